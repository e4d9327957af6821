"""The published contracts, each a file of data."""
