"""Rules that hold for any input, and what the fuzzer has found."""
