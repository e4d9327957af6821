"""What quotes, orders and invoices share: lines, totals and numbers."""
