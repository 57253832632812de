"""The programs that are measured: small servers and clients as a user would write them.

``servers`` are this library's, ``node`` has the same for Node, ``applications`` are for servers
that run ASGI or RSGI applications; ``clients`` are clients, and ``load`` puts servers under a load
that no load generator at hand makes.

Every server of ours and of Node listens on a free port of 127.0.0.1 and prints that port as its
first line. With ``--cert`` and ``--key`` (or, for Node, those two paths as arguments) it speaks
TLS.
Every client takes a URL, a number of concurrent streams, the seconds of warm-up and the seconds
to measure, and prints ``{"requests": …, "failed": …, "seconds": …}`` as its last line.
"""
