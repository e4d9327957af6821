"""Money that clients have paid, and which invoices it went to."""
