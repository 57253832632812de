"""The extended CONNECT of RFC 8441: a stream becomes a tunnel for another protocol.

A server that offers it and a client that uses it, in one program. The protocol in the tunnel
is ``upper``, which sends received text back in upper case.
"""

from __future__ import annotations

import asyncio

import http2

server = http2.create_server(settings={"enable_connect_protocol": True})


@server.on("stream")
async def on_stream(stream: http2.ServerHttp2Stream, headers: http2.Headers) -> None:
    """Serve the only supported protocol."""
    if headers.get(":protocol") != "upper":
        stream.respond({":status": 501}, end_stream=True)
        return
    print(f"server: {headers[':protocol']} at {headers[':path']}")
    stream.respond()
    async for chunk in stream:
        stream.write(chunk.upper())
    stream.end()


async def main() -> None:
    """Request the tunnel after the server has announced its support."""
    await server.listen(0, "127.0.0.1")
    client = http2.connect(f"http://127.0.0.1:{server.address()[1]}")
    offered: asyncio.Future[http2.Settings] = asyncio.get_running_loop().create_future()
    client.once("remote_settings", offered.set_result)
    print("client: offered:", (await offered).enable_connect_protocol)

    stream = client.request({":method": "CONNECT", ":protocol": "upper", ":path": "/shout"})
    print("client: status:", (await stream.response())[":status"])
    for word in ("hello", "tunnel"):
        stream.write(word)
        print("client:", (await stream.readexactly(len(word))).decode())
    stream.end()
    await stream.read()

    await client.close()
    server.close()


if __name__ == "__main__":
    http2.run(main)
