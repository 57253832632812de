"""The files of examples/deploy, with traffic through the programs that they configure."""
