"""People who have asked for something and are no clients yet."""
