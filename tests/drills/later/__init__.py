"""The next release, as far as tables go: a column in two busy ones, an index, and a constraint."""
