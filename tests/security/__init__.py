"""Hostile peers against a process of this library on loopback, and their cost.

An attack is a function in a module by family: `memory`, `floods`, `resets`, `slow`, `http1`
and `client`. The tests and ``python -m tests.security`` run the same ones. `victim` is the
process under attack, `asker` the honest client, `ground` starts both and measures, `wire` has
the connections.
"""
