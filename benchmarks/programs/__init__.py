"""The programs that are measured: small servers and clients as a user would write them.

Every server listens on a free port of 127.0.0.1 and prints that port as its first line. With
``--cert`` and ``--key`` (or, for Node, those two paths as arguments) it speaks TLS.
Every client takes a URL, a number of concurrent streams, the seconds of warm-up and the seconds
to measure, and prints ``{"requests": …, "failed": …, "seconds": …}`` as its last line.
"""
