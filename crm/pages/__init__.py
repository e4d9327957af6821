"""The pages of members that need to know the CRM: webhooks, beside the keys of the settings."""
