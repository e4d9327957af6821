"""Lists of clients to write to."""
