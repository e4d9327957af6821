"""People and companies that the tenant works for."""
