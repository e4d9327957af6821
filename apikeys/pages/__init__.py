"""The pages of members: log-in, log-out, and the settings of their organization."""
