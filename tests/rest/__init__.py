"""The machinery of the API, the same for every resource and contract."""
