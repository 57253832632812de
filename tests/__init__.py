"""The tests, in rooms by topic; CONTRIBUTING.md lists them."""
