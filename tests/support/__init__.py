"""What the tests share: peers by hand, servers, programs of others, paths."""
