"""permessage-deflate's parameters (RFC 7692 section 7.1), checked in the bytes."""

from __future__ import annotations

import zlib
from random import Random
from typing import Any

import pytest

from ..support.running import Run
from .frames import TEXT, binary, close, code_of, more, text
from .ways import DEFLATE, WAYS, Peer

SERVER_ANEW, CLIENT_ANEW = "server_no_context_takeover", "client_no_context_takeover"
PARAMETERS = [
    "",
    f"; {SERVER_ANEW}",
    f"; {CLIENT_ANEW}",
    f"; {SERVER_ANEW}; {CLIENT_ANEW}",
    *(f"; server_max_window_bits={bits}" for bits in (9, 11, 15)),
    *(f"; client_max_window_bits={bits}" for bits in (9, 11, 15)),
    f"; server_max_window_bits=9; client_max_window_bits=10; {SERVER_ANEW}; {CLIENT_ANEW}",
]
NOISE = Random(7692).randbytes(9000).hex()


class Agreed:
    """One direction: the window, and whether each message is compressed by itself."""

    def __init__(self, said: str, side: str) -> None:
        found = dict(part.strip().partition("=")[::2] for part in said.split(";"))
        self.bits = int(found.get(f"{side}_max_window_bits") or 15)
        self.anew = f"{side}_no_context_takeover" in found
        self._packer: Any = None
        self._unpacker: Any = None

    def pack(self, data: bytes) -> bytes:
        """Return a message as it may be sent."""
        if self._packer is None or self.anew:
            self._packer = zlib.compressobj(wbits=-self.bits)
        packed: bytes = self._packer.compress(data) + self._packer.flush(zlib.Z_SYNC_FLUSH)
        return packed[:-4]

    def unpack(self, payload: bytes) -> bytes:
        """Return the decompressed message; `zlib.error` if it refers too far back."""
        if self._unpacker is None or self.anew:
            self._unpacker = zlib.decompressobj(-self.bits)
        unpacker = self._unpacker
        # byte by byte: within one call, zlib allows any distance
        ends = payload + b"\0\0\xff\xff"
        return b"".join(unpacker.decompress(ends[i : i + 1]) for i in range(len(ends)))


def agreed(way: str, peer: Peer, offer: str) -> tuple[Agreed, Agreed]:
    """The parameters of this side, and of the peer."""
    client = way.endswith("client")
    said = offer if client else peer.headers["sec-websocket-extensions"]
    sides = ("client", "server") if client else ("server", "client")
    return Agreed(said, sides[0]), Agreed(said, sides[1])


@pytest.mark.parametrize("way", WAYS)
def test_parameters(way: str, run: Run) -> None:
    """Messages larger than any window, and small ones that are repeated."""

    async def check(offer: str) -> None:
        async with WAYS[way](offer=offer) as (peer, _):
            ours, theirs = agreed(way, peer, offer)
            sizes = []
            for said in (NOISE, NOISE, NOISE[:200], NOISE[:200], "", NOISE[:1200] * 9):
                peer.send(text(theirs.pack(said.encode()), rsv=4))
                back = await peer.expect()
                assert (back.opcode, back.rsv, back.fin) == (TEXT, 4, True)
                assert ours.unpack(back.payload).decode() == said
                sizes.append(len(back.payload))
            assert (sizes[3] < sizes[2] / 2) == (not ours.anew)
            peer.send(close(1000))
            assert code_of(await peer.expect()) == 1000
            peer.wire.end()

    async def main() -> None:
        for parameters in PARAMETERS:
            try:
                await check(DEFLATE + parameters)
            except BaseException as error:
                error.add_note(f"parameters: {parameters}")
                raise

    run(main())


@pytest.mark.parametrize("way", WAYS)
def test_sizes(way: str, run: Run) -> None:
    """Compressed messages of many sizes, in one frame and in several: Autobahn's section 12."""

    async def main() -> None:
        async with WAYS[way](offer=DEFLATE) as (peer, _):
            ours, theirs = agreed(way, peer, DEFLATE)
            for size in (0, 1, 16, 64, 125, 126, 256, 1024, 4096, 8192, 32768, 65535, 131072):
                for step in (0, 100):
                    said = (NOISE * 8)[:size].encode()
                    packed = theirs.pack(said)
                    if step:
                        first, rest = packed[:step], packed[step:]
                        peer.send(
                            binary(first, False, rsv=4),
                            *(more(rest[i : i + step], False) for i in range(0, len(rest), step)),
                            more(b""),
                        )
                    else:
                        peer.send(binary(packed, rsv=4))
                    back = await peer.expect()
                    assert ours.unpack(back.payload) == said
            peer.send(close(1000))
            assert code_of(await peer.expect()) == 1000
            peer.wire.end()

    run(main())
