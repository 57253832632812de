"""Applications that the tests serve, written as users of the frameworks write them."""
