"""What the hot calls cost, measured."""
