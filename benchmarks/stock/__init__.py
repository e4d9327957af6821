"""The peer: the same clients and invoices as the tutorials of Django REST framework would have them."""
