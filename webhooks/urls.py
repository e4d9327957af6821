"""The addresses of this room that need no key."""

from django.urls import path

from webhooks.wellknown import public_keys

urlpatterns = [path(".well-known/kith-webhooks/<str:name>.json", public_keys, name="webhook_keys")]
