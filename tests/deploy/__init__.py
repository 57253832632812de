"""The files of examples/deploy, with traffic through what they describe."""
