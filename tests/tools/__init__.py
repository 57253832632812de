"""The programs of this repository around the library."""
