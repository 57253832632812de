"""Streams of both sides: reading, writing, files, pushes, priorities, and their ends."""
