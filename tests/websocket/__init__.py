"""WebSocket: other implementations as peers, and hand-written bytes."""
