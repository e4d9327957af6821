"""Bills: what clients owe."""
