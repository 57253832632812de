"""Other programs as peers. All of these tests are marked `interop`."""
