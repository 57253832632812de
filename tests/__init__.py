"""The tests, in rooms by topic; `support` has what they share: CONTRIBUTING.md has the map."""
