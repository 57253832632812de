"""Programs for type checkers, which are not run: see tests/documentation/test_typing.py."""
