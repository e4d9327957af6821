"""What an operator hopes never to need, or does with a beating heart: a restore, and a change of tables under load."""
