"""Mixed traffic for as long as one likes, and what must not be lost meanwhile.

Run with ``make soak SOAK_SECONDS=60`` or ``python -m soak --seconds 60``. The program starts a
server of this library, a client of this library, servers and clients of others (Node, nghttpd,
curl, nghttp, h2load), lets them talk, and measures: see docs/endurance.md.
"""
