"""The product: a multi-tenant CRM behind a public REST API."""
