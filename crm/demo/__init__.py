"""Demo data: two tenants that look like a year of work."""
