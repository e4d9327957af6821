"""Who works for the tenant."""
