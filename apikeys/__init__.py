"""Who may: API keys, their secrets, scopes and limits."""
