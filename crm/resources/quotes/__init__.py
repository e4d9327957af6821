"""Offers: what a client can accept, and what becomes of it."""
