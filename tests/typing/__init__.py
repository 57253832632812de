"""Programs for checkers of types, which do not run: see tests/documentation/test_typing.py."""
