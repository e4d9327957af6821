"""Faults: Kith as it runs, in real processes, while what it stands on is killed, stopped and emptied."""
