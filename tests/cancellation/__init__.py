"""What is awaited may be cancelled anywhere."""
