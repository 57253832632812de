"""Applications that the tests serve, as frameworks' users write them."""
