"""How Kith is set up, starts and stops."""
