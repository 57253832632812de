"""This library's servers, each a few lines as a user would write them."""
