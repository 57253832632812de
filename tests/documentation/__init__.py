"""What the documentation says is so: blocks, examples, tables, types."""
