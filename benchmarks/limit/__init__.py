"""The limit: the same answers without a framework, by hand-written SQL."""
