"""Receivers of webhooks in five languages: the guide docs/receiving.md shows these files, and the tests run them."""
