"""The tests: one file a topic; peers and fixtures in `conftest.py` and `peers.py`."""
