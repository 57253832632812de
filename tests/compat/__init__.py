"""The Compatibility API: requests and responses, beside Node's."""
