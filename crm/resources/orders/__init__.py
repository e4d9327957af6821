"""Orders: what clients have asked for, until it is fulfilled and billed."""
