"""The door through which the web server reaches Kith."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

import config.metrics.folder  # noqa: F401  before anything that counts
from config.checks import refuse_unsafe
from config.databases import need_servers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
need_servers(settings.ENV)
application = get_wsgi_application()
refuse_unsafe()
