"""Implement the opening handshake over both versions of HTTP, without I/O.

Over HTTP/1.1 it is a GET with ``upgrade: websocket`` and a key that is answered with status 101
(RFC 6455 section 4); over HTTP/2 it is an extended CONNECT, answered with 200, without a key (RFC
8441 section 5).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from wsproto.utilities import generate_accept_token

from ..errors import new_error
from ..headers import Headers, OutgoingHeaders
from .errors import WebSocketHandshakeError
from .options import check_token

__all__ = ["accept_key", "check_opening", "pairs_of", "response_head", "words"]

VERSION = "13"
# Fields of the handshake itself, which the application's headers must not contain.
OURS = frozenset({
    "sec-websocket-accept", "sec-websocket-extensions", "sec-websocket-key",
    "sec-websocket-protocol", "sec-websocket-version", "connection", "upgrade",
    "content-length", "transfer-encoding",
})  # fmt: skip
NOT_IN_VALUE = re.compile(r"[^\t -~\x80-\xff]")


def words(value: str | None) -> list[str]:
    """Return the members of a comma-separated field."""
    return [word for part in (value or "").split(",") if (word := part.strip())]


def check_opening(
    headers: Headers, method: str, http_version: str
) -> WebSocketHandshakeError | None:
    """Return the problem of a client's request and its status, or None."""
    if http_version.startswith("2"):
        if method != "CONNECT" or headers.get(":protocol") != "websocket":
            return WebSocketHandshakeError(
                f"not a request for a WebSocket: {method} with"
                f" :protocol {headers.get(':protocol')!r}",
                status=400 if headers.get(":protocol") is None else 501,
            )
    else:
        upgrade = [word.lower() for word in words(headers.get("upgrade"))]
        connection = [word.lower() for word in words(headers.get("connection"))]
        if method != "GET" or http_version != "1.1" or "websocket" not in upgrade:
            return WebSocketHandshakeError("not a request for a WebSocket", status=400)
        if "upgrade" not in connection:
            return WebSocketHandshakeError("'upgrade' is missing in 'connection'", status=400)
        try:
            key = base64.b64decode(headers.get("sec-websocket-key", ""), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != 16:
            return WebSocketHandshakeError("'sec-websocket-key' is not 16 bytes", status=400)
    version = headers.get("sec-websocket-version")
    if version is None:
        return WebSocketHandshakeError("'sec-websocket-version' is missing", status=400)
    if version != VERSION:
        return WebSocketHandshakeError(f"WebSocket version {version!r:.40} is unknown", status=426)
    return None


def accept_key(key: str) -> str:
    """Return the answer to a client's ``sec-websocket-key``."""
    return generate_accept_token(key.strip().encode("latin-1")).decode()


def pairs_of(
    headers: OutgoingHeaders | None, forbidden: Iterable[str] = OURS
) -> list[tuple[str, str]]:
    """Return the application's *headers* as pairs of `str`. Raises for invalid ones.

    ERR_INVALID_HTTP_TOKEN, ERR_INVALID_CHAR, ERR_INVALID_ARG_VALUE for a name of the handshake's
    own, and ERR_INVALID_ARG_TYPE.
    """
    if headers is None:
        return []
    items: Any = headers.items() if isinstance(headers, Mapping) else headers
    found = []
    for name, value in items:
        name = _text("a header's name", name).lower()
        check_token("Header name", name)
        if name in forbidden:
            raise new_error("ERR_INVALID_ARG_VALUE", "headers", name)
        for each in value if isinstance(value, (list, tuple)) else (value,):
            text = _text(f"the value of {name!r}", each).strip(" \t")
            if NOT_IN_VALUE.search(text):
                raise new_error("ERR_INVALID_CHAR", "header", name)
            found.append((name, text))
    return found


def _text(what: str, value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise new_error("ERR_INVALID_ARG_TYPE", what, "a str", value)
    return value


def response_head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """Return the head of a response over HTTP/1.1."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
