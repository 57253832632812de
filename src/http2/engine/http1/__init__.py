"""HTTP/1.1 without I/O, for servers: heads and bodies of requests in, responses out."""
