"""API keys, as members manage them: issued and shown once, listed masked, revoked."""
