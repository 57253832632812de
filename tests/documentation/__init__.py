"""The statements of the documentation: code blocks, examples, tables, types."""
