"""What the tenant sells: products and services in one catalogue."""
