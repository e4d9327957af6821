"""Work at an agreed time: who does it, for whom, where, and how it went."""
