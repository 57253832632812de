"""Load that h2load and wrk do not make: WebSocket messages, and requests at a fixed rate."""
