"""A gRPC service as an ASGI application: messages in the body, the status in the trailers."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from typing import Any


async def messages(receive: Any) -> AsyncIterator[bytes]:
    """Yield the messages of a request, each as soon as it is complete."""
    data = b""
    more = True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        data += event.get("body", b"")
        more = event.get("more_body", False)
        while len(data) >= 5 and len(data) >= 5 + struct.unpack_from(">I", data, 1)[0]:
            end = 5 + struct.unpack_from(">I", data, 1)[0]
            yield data[5:end]
            data = data[end:]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Implement the methods of `test.Echo`."""
    assert scope["type"] == "http"

    async def answer(message: bytes) -> None:
        body = b"\0" + struct.pack(">I", len(message)) + message
        await send({"type": "http.response.body", "body": body, "more_body": True})

    status, said = b"0", b""
    headers = [(b"content-type", b"application/grpc")]
    await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": True})
    if scope["path"] == "/test.Echo/Unary":
        async for message in messages(receive):
            await answer(b"you said: " + message)
    elif scope["path"] == "/test.Echo/Sum":
        await answer(b"%d" % sum([int(message) async for message in messages(receive)]))
    elif scope["path"] == "/test.Echo/Count":
        async for message in messages(receive):
            for number in range(int(message)):
                await answer(b"%d" % number)
    elif scope["path"] == "/test.Echo/Chat":
        async for message in messages(receive):
            await answer(message.upper())
    else:
        status, said = b"12", b"no such method"
    await send({"type": "http.response.body", "body": b""})
    trailers = [(b"grpc-status", status), (b"grpc-message", said)]
    await send({"type": "http.response.trailers", "headers": trailers})
