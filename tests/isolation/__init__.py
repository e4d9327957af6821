"""What one tenant can see and do of another's: nothing, by either guard alone."""
