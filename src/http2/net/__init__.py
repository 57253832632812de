"""The bytes below a session: sockets, transports, and what else carries a session."""
