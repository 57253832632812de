"""TLS: contexts, the handshake of a server, records."""
