"""Measurements of sessions, streams and exchanges, for a program that asks for them."""
