"""Webhooks on the wire: endpoints, what was sent to them, and what is sent again."""
