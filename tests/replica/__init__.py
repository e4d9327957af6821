"""Reads from a replica, by the servers of the run and a standby that streams from them."""
