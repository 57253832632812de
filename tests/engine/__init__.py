"""The engine: bytes in, events out, without a socket; and the vocabulary."""
