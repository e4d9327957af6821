"""A walk through the API from a web form to a refund, made with curl and written down as it went."""
