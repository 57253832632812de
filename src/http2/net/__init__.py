"""Byte transport below a session: sockets, transports and other carriers."""
