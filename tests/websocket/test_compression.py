"""permessage-deflate (RFC 7692): the negotiation, and the resulting bytes."""

from __future__ import annotations

import asyncio
import zlib

import pytest

import http2
from http2.websocket.deflate import accept_offer, finalize_offer

from ..support.running import Run
from .frames import CLOSE, PONG, Packer, Unpacker, binary, close, code_of, more, ping, text
from .ways import DEFLATE, WAYS, Peer

LINES = [f"line {number} of something that is often said" for number in range(20)]


async def finish(peer: Peer, code: int = 1000) -> None:
    """Expect the Close frame with *code*, and the end."""
    last = await peer.expect()
    assert code_of(last) == code
    assert await peer.frame() is None
    peer.wire.end()


@pytest.mark.row("module.accept_websocket.option.compression")
@pytest.mark.parametrize("way", WAYS)
def test_messages_share_their_window(way: str, run: Run) -> None:
    """Each message is compressed with the context of the earlier ones."""

    async def main() -> None:
        async with WAYS[way](offer=DEFLATE) as (peer, _):
            assert DEFLATE in peer.headers["sec-websocket-extensions"]
            packer, unpacker = Packer(), Unpacker()
            sizes = []
            for line in LINES:
                peer.send(text(packer.pack(line.encode()), rsv=4))
                back = await peer.expect()
                assert back.rsv == 4
                sizes.append(len(back.payload))
                assert unpacker.unpack(back.payload).decode() == line
            assert max(sizes[1:]) < sizes[0] / 2
            peer.send(close(1000))
            await finish(peer)

    run(main())


@pytest.mark.parametrize("way", WAYS)
def test_what_compressed_messages_may_look_like(way: str, run: Run) -> None:
    async def main() -> None:
        async with WAYS[way](offer=DEFLATE) as (peer, _):
            packer, unpacker = Packer(), Unpacker()

            async def echoed() -> bytes:
                back = await peer.expect()
                return unpacker.unpack(back.payload) if back.rsv else back.payload

            # one that is not compressed, between those that are
            peer.send(text("plain"))
            assert await echoed() == b"plain"
            # in fragments, of which only the first is marked as compressed
            packed = packer.pack(b"in fragments " * 20)
            peer.send(
                text(packed[:3], fin=False, rsv=4), more(packed[3:9], fin=False), more(packed[9:])
            )
            assert await echoed() == b"in fragments " * 20
            # with a ping between them, which is never compressed
            packed = packer.pack(b"interrupted " * 20)
            peer.send(binary(packed[:5], fin=False, rsv=4), ping(b"now"), more(packed[5:]))
            first, second = await peer.expect(), await peer.expect()
            assert (first.opcode, first.payload) == (PONG, b"now")
            assert unpacker.unpack(second.payload) == b"interrupted " * 20
            # byte by byte; empty; of stored blocks; ended by a final block (section 7.2.3)
            peer.send(text(packer.pack(b"byte by byte"), rsv=4), pieces=1)
            assert await echoed() == b"byte by byte"
            peer.send(text(packer.pack(b""), rsv=4))
            assert await echoed() == b""
            stored = zlib.compressobj(level=0, wbits=-12)
            data = stored.compress(b"stored") + stored.flush(zlib.Z_SYNC_FLUSH)
            peer.send(text(data[:-4], rsv=4))
            assert await echoed() == b"stored"
            final = zlib.compressobj(wbits=-12)
            peer.send(text(final.compress(b"final") + final.flush() + b"\0", rsv=4))
            assert await echoed() == b"final"
            anew = Packer()
            peer.send(text(anew.pack(b"after it"), rsv=4))
            assert await echoed() == b"after it"
            peer.send(close(1000))
            await finish(peer)

    run(main())


BOMB = Packer().pack(bytes(4 << 20))

BAD = {
    "a continuation that says it is compressed": (
        [text(Packer().pack(b"hello")[:2], fin=False, rsv=4), more(b"x", rsv=4)], 1002),
    "no deflate at all": ([text(b"\xff\xff\xff\xff\xff", rsv=4)], 1007),
    "text that is not UTF-8": ([text(Packer().pack(b"\xc0\xaf"), rsv=4)], 1007),
    "another reserved bit": ([text(Packer().pack(b"hello"), rsv=6)], 1002),
    "a compressed ping": ([ping(Packer().pack(b"hello"), rsv=4)], 1002),
    "a bomb": ([binary(Packer().pack(bytes(64 << 20)), rsv=4)], 1009),
    "a bomb in fragments": (
        [binary(BOMB[:99], fin=False, rsv=4),
         *(more(BOMB[at : at + 99], fin=False) for at in range(99, len(BOMB), 99))], 1009),
    "2^62 bytes": ([binary(b"x", rsv=4, length=1 << 62)], 1009),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", BAD)
def test_bad_compression(name: str, way: str, run_asyncio: Run) -> None:
    frames, code = BAD[name]

    async def main() -> None:
        async with WAYS[way](offer=DEFLATE) as (peer, ended):
            peer.send(*frames)
            await finish(peer, code)
            assert (await ended).close_code == code

    run_asyncio(main())


def test_a_bomb_takes_no_memory(run_asyncio: Run) -> None:
    """64 MiB of zeros in 64 KiB: they are never in memory."""
    import tracemalloc

    bomb = binary(Packer().pack(bytes(64 << 20)), rsv=4)

    async def main() -> None:
        async with WAYS["http2-server"](offer=DEFLATE) as (peer, _):
            tracemalloc.start()
            try:
                peer.send(bomb)
                await finish(peer, 1009)
                assert tracemalloc.get_traced_memory()[1] < 6 << 20
            finally:
                tracemalloc.stop()

    run_asyncio(main())


def test_many_bombs_in_one_frame_of_data(run_asyncio: Run) -> None:
    """Messages of a megabyte each, in few bytes: only as many are decompressed as may wait."""
    size = (1 << 20) - 1

    async def main() -> None:
        held = asyncio.Event()

        async def hold(ws: http2.WebSocket) -> None:
            await held.wait()
            count = 0
            async for message in ws:
                assert len(message) == size
                count += 1
            assert count == 50

        async with WAYS["http2-server"](hold, offer=DEFLATE) as (peer, ended):
            packer = Packer(15)
            import tracemalloc

            frames = [binary(packer.pack(bytes(size)), rsv=4) for _ in range(50)]
            tracemalloc.start()
            peer.send(*frames, close(1000))
            peer.send(ping())
            for _ in range(20):
                await asyncio.sleep(0)
            await asyncio.sleep(0.05)
            assert tracemalloc.get_traced_memory()[1] < 8 << 20
            tracemalloc.stop()
            held.set()
            await finish(peer)
            assert not isinstance(await ended, BaseException)

    run_asyncio(main())


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        (DEFLATE, f"{DEFLATE}; server_max_window_bits=12"),
        (f"{DEFLATE}; client_max_window_bits",
         f"{DEFLATE}; server_max_window_bits=12; client_max_window_bits=12"),
        (f"{DEFLATE}; client_max_window_bits=10; server_max_window_bits=9",
         f"{DEFLATE}; server_max_window_bits=9; client_max_window_bits=10"),
        (f"{DEFLATE}; server_no_context_takeover; client_no_context_takeover",
         f"{DEFLATE}; server_max_window_bits=12; server_no_context_takeover;"
         " client_no_context_takeover"),
        # the first supported one is selected
        (f"{DEFLATE}; server_max_window_bits=8, {DEFLATE}; server_max_window_bits=11",
         f"{DEFLATE}; server_max_window_bits=11"),
        (f"x-webkit-deflate-frame, {DEFLATE}", f"{DEFLATE}; server_max_window_bits=12"),
        (f'{DEFLATE}; server_max_window_bits="10"', f"{DEFLATE}; server_max_window_bits=10"),
        # RFC 7692 section 7.1: unknown parameters are declined
        (f"{DEFLATE}; server_max_window_bits=16", None),
        (f"{DEFLATE}; server_max_window_bits=7", None),
        (f"{DEFLATE}; server_max_window_bits", None),
        (f"{DEFLATE}; client_max_window_bits=+9", None),
        (f"{DEFLATE}; server_no_context_takeover=1", None),
        (f"{DEFLATE}; nothing", None),
        (f"{DEFLATE}; client_max_window_bits; client_max_window_bits", None),
        ("x-webkit-deflate-frame", None),
        ("", None),
        (";;, ;", None),
    ],
)  # fmt: skip
def test_offers(offer: str, answer: str | None) -> None:
    found = accept_offer(offer, 100)
    assert (None if found is None else found[0]) == answer


@pytest.mark.parametrize(
    "answer",
    [
        "x-webkit-deflate-frame", f"{DEFLATE}; nothing", f"{DEFLATE}; client_max_window_bits",
        f"{DEFLATE}; server_max_window_bits=77", f"{DEFLATE}; client_max_window_bits=8",
        f"{DEFLATE}; server_no_context_takeover; server_no_context_takeover",
    ],
)  # fmt: skip
def test_answers_that_were_not_offered(answer: str) -> None:
    with pytest.raises(ValueError, match=r"offered|8 bits"):
        finalize_offer(answer, 100)


def test_each_message_by_itself(run_asyncio: Run) -> None:
    """Without context takeover, each message is decompressed by itself."""

    async def main() -> None:
        offer = f"{DEFLATE}; server_no_context_takeover; client_no_context_takeover"
        async with WAYS["http2-server"](offer=offer) as (peer, _):
            for line in LINES[:3]:
                peer.send(text(Packer().pack(line.encode()), rsv=4))
                back = await peer.expect()
                assert Unpacker().unpack(back.payload).decode() == line
            peer.send(close(1000))
            assert (await peer.expect()).opcode == CLOSE
            peer.wire.end()

    run_asyncio(main())
