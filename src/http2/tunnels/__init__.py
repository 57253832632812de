"""Streams that carry connections: HTTP/2 inside a CONNECT tunnel, and TLS in between."""
