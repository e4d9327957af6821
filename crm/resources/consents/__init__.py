"""Consents: what clients said about being written to or called."""
