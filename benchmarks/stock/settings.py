"""Settings of the peer. What an API does not need and would slow it down, like sessions, is left out."""

import os

from psycopg.conninfo import conninfo_to_dict

PARTS = conninfo_to_dict(os.environ["STOCK_DATABASE_URL"])
SECRET_KEY = "nothing is signed with it"  # noqa: S105
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
INSTALLED_APPS = ["rest_framework", "django_filters", "benchmarks.stock"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "benchmarks.stock.urls"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": PARTS["dbname"],
        "USER": PARTS["user"],
        "PASSWORD": PARTS["password"],
        "HOST": PARTS["host"],
        "PORT": PARTS["port"],
        "CONN_MAX_AGE": None,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["benchmarks.stock.authentication.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["benchmarks.stock.authentication.HasKey"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "benchmarks.stock.listing.Pages",
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "benchmarks.stock.listing.TextFilter",
        "rest_framework.filters.OrderingFilter",
    ],
    "UNAUTHENTICATED_USER": None,
    "PAGE_SIZE": 20,
}
