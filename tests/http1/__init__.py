"""HTTP/1.1 on the same port: messages, connections, attacks."""
