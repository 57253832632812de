"""Programs that are not ours, at both ends. All of these tests are marked `interop`."""
