"""The addresses of the house."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from config.health import health, livez, readyz
from config.metrics.page import metrics

urlpatterns: list[URLPattern | URLResolver] = [
    # First, as most requests are for the API.
    path("", include("crm.urls")),
    path("admin/", admin.site.urls),
    path("livez", livez),
    path("readyz", readyz),
    path("api/health", health),
    path("metrics", metrics),
    path("", include("apikeys.pages.urls")),
    path("", include("crm.pages.urls")),
    path("", include("webhooks.urls")),
]
