"""The tests, one file a behaviour."""
