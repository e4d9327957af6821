"""Webhooks, from the ledger to the receiver."""
