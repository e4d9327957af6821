"""The admin: who sees what, what it changes, and what it never shows."""
