"""Create clear errors for servers that do not use the protocol of the URL."""

from __future__ import annotations

from ..errors import Http2Error, connection_closed, new_error

__all__ = ["SILENT", "explain_handshake", "not_http2"]

# Number of characters of the first line in the error.
SHOWN = 100

# OpenSSL's reasons for data that is not a TLS record.
NO_TLS = frozenset(
    {"HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE", "WRONG_VERSION_NUMBER"}
)

# Text for a connection that ended before the server sent a byte.
SILENT = (
    " before sending any data: it may not support HTTP/2 on this port, or may need TLS (https://)"
)


def not_http2(data: bytes) -> Http2Error | None:
    """Return an error if the first bytes of a server are not HTTP/2; else None."""
    if data.startswith(b"HTTP/"):
        line = data[:SHOWN].split(b"\r\n")[0].decode("latin-1")
        shown = "".join(char if char.isprintable() else "?" for char in line)
        message = f"the server uses HTTP/1 on this port, not HTTP/2: it answered {shown!r}"
    elif data[:2] == b"\x15\x03":
        # an alert: the only answer of a TLS server to HTTP/2's preface
        message = "the server uses TLS on this port: use a URL with https://"
    else:
        return None
    return new_error("ERR_HTTP2_ERROR", -505, message=message, retryable=True)


def explain_handshake(error: Exception) -> Exception:
    """Return a clearer error for *error* of a TLS handshake, or *error* itself."""
    told: Http2Error
    if getattr(error, "reason", None) in NO_TLS:
        message = f"the server does not use TLS on this port: try a URL with http:// ({error})"
        told = new_error("ERR_HTTP2_ERROR", -505, message=message, retryable=True)
    elif isinstance(error, ConnectionResetError) or type(error).__name__ == "SSLEOFError":
        told = connection_closed(None, retryable=True, when=" during the TLS handshake")
    else:
        return error
    told.__cause__ = error
    return told
