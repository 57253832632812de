"""Rules that hold for any input, and the fuzzer's findings."""
