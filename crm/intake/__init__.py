"""What tenants' own addresses do beside the API: web forms of other sites send to them, from browsers."""
