"""The fuzz targets by name, and their shares of the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .client_hello import client_hello
from .engine import client, server
from .http1 import http1
from .http1_receiver import http1_receiver
from .pair import pair
from .websocket import websocket

Function = Callable[[bytes], None]


@dataclass(frozen=True)
class Target:
    """One of the programs that take any bytes."""

    function: Function
    weight: int
    """Its share of the time, beside the others' weights."""
    longest: int
    """Bytes that an input may have."""


TARGETS = {
    "server": Target(server, 4, 2000),
    "client": Target(client, 4, 2000),
    "pair": Target(pair, 6, 1000),
    "http1": Target(http1, 4, 600),
    "http1_receiver": Target(http1_receiver, 3, 1000),
    "client_hello": Target(client_hello, 2, 1000),
    "websocket": Target(websocket, 3, 600),
}
