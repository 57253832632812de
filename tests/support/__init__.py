"""Helpers that tests share: hand-written peers, servers, other programs, paths."""
