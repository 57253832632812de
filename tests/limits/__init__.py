"""Peers that ask for too much or break the protocol, and what a session tolerates."""
