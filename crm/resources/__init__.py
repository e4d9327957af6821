"""The product: one folder a resource, all cut alike."""
