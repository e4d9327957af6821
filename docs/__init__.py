"""What is written about Kith, and the programs that write it."""
