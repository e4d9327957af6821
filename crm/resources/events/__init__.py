"""What happened: the ledger as a feed."""
