"""HTTP/1.1 and 1.0 on a server (RFC 9112), for the Compatibility API."""
