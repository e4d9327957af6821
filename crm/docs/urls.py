"""The addresses of the pages for people."""

from django.urls import path

from crm.docs import pages

urlpatterns = [
    path("", pages.start, name="start"),
    path("docs/", pages.reference, name="docs"),
    path("docs/<slug:name>/", pages.reference, name="docs-contract"),
]
