"""The pages of API keys: list, issue, rotate, revoke, and what a key did lately."""

from apikeys.admin import keys

__all__ = ["keys"]
