"""Programs for checkers of types, which do not run: see tests/test_typing.py."""
