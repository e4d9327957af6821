"""Telling the world: endpoints, fan-out of the ledger, signed deliveries. It knows no resource of the CRM."""
