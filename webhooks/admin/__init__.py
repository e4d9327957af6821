"""The pages of webhooks: endpoints and how they do, the log of deliveries, and what is sent again."""

from webhooks.admin import deliveries, replays

__all__ = ["deliveries", "replays"]
