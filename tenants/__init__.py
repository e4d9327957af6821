"""Whose data it is, and what happened to it: tenants, the scope that guards their rows, and the ledger."""
