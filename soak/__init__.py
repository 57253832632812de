"""Run mixed traffic for a given time, and check that nothing is lost.

Run with ``make soak SOAK_SECONDS=60`` or ``python -m soak --seconds 60``. The program starts a
server and a client of this library, and other servers and clients (Node, nghttpd,
curl, nghttp, h2load), and measures their traffic: see docs/endurance.md.
"""
