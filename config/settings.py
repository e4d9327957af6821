"""The settings of Django, made from the environment."""

from urllib.parse import urlsplit

import django_stubs_ext

from config import env, logs, unfold
from config.addresses import tenant_domain, tenant_url
from config.databases import caches, databases, redis_url
from config.secret import encryption_keys, secret_key
from config.stores import stores

# Lets Django's classes carry their types when they are inherited from, as in `ModelAdmin[Tenant]`.
django_stubs_ext.monkeypatch()

ENV = env.read()
BASE_DIR = env.BASE
KITH_HOME = ENV.home
PUBLIC_URL = ENV.text("PUBLIC_URL").rstrip("/") or f"http://localhost:{ENV.number('PORT')}"
TENANT_DOMAIN = tenant_domain(ENV.text("TENANT_DOMAIN"), PUBLIC_URL)
# Where a tenant has its own address; for str.format.
TENANT_URL = tenant_url(TENANT_DOMAIN, PUBLIC_URL)
HTTPS = PUBLIC_URL.startswith("https://")

SECRET_KEY = secret_key(ENV)
ENCRYPTION_KEYS = encryption_keys(ENV)
DEBUG = ENV.flag("DEBUG")
ALLOWED_HOSTS = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    ".localhost",
    f".{TENANT_DOMAIN}",
    urlsplit(PUBLIC_URL).hostname or "localhost",
    *ENV.words("ALLOWED_HOSTS"),
]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL, *ENV.words("CSRF_TRUSTED_ORIGINS")]

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "config.staff.apps.StaffConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "config",
    "tenants",
    "apikeys",
    "webhooks",
    "crm",
]

MIDDLEWARE = [
    "config.requests.ClientAddress",
    "config.requests.RequestLog",
    # It loads what it needs; where there is nothing to trace, nothing of it is loaded.
    *(["config.metrics.tracing.Tracing"] if ENV.text("OTEL_EXPORTER_OTLP_ENDPOINT") else []),
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # What stands behind it only browsers need.
    "config.programs.Programs",
    "tenants.routing.StaffDatabase",
    "config.staff.headers.StaffHeaders",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.staff.idle.Idle",
    "django.contrib.messages.middleware.MessageMiddleware",
]
# Where the contracts are mounted, and nothing for people.
API_PATHS = ("/v1/", "/api/", "/functions/")

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

DATABASES = databases(ENV)
DATABASE_ROUTERS = ["tenants.routing.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = caches(ENV)
REDIS_URL = redis_url(ENV, 0)
BROKER_URL = ENV.text("BROKER_URL") or REDIS_URL
# Counters live apart from Celery's messages.
LIMITS_URL = redis_url(ENV, 2)
# How long a started task may lie: no shorter, since the clocks of two machines differ; the next sweep does the same.
TASK_EXPIRES = 900
BEAT: dict[str, dict[str, object]] = {
    "seal": {"task": "tenants.tasks.seal_events", "schedule": 60},
    # What deletes goes on, in the next hour, with what it has not got through.
    "claims": {"task": "apikeys.tasks.forget_claims", "schedule": 3600},
    "sessions": {"task": "apikeys.tasks.forget_sessions", "schedule": 3600},
    "expiring": {"task": "apikeys.tasks.note_expiring_keys", "schedule": 3600},
    "usage": {"task": "apikeys.tasks.forget_usage", "schedule": 3600},
    "overdue": {"task": "crm.tasks.mark_invoices_overdue", "schedule": 900},
    "expiry": {"task": "crm.tasks.expire_quotes", "schedule": 900},
    "campaigns": {"task": "crm.tasks.sweep_campaigns", "schedule": 30, "options": {"expires": TASK_EXPIRES}},
    # What no poke has started: retries that are due, and events whose poke was lost.
    "deliver": {"task": "webhooks.deliver", "schedule": 5, "options": {"expires": TASK_EXPIRES}},
    # Often, as a clock that is started anew every day counts from its start.
    "partitions": {"task": "webhooks.partitions", "schedule": 3600},
    "sweep": {"task": "crm.tasks.sweep_files", "schedule": 3600},
    **({"scan": {"task": "crm.tasks.scan_files", "schedule": 15}} if ENV.text("FILES_SCANNER") else {}),
}

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"] if (BASE_DIR / "static").is_dir() else []
# Static files are served from the packages they come in, so that no start waits for collectstatic.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = stores(ENV)
FILES_BUCKET = ENV.text("S3_BUCKET")
FILES_QUOTA_MB = ENV.number("FILES_QUOTA_MB")
FILES_SCANNER = ENV.text("FILES_SCANNER")
# On the disk where they will stay, so that keeping an upload is giving it another name.
FILES_INCOMING = KITH_HOME / "files" / "incoming"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

EMAIL_HOST = ENV.text("EMAIL_HOST")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
EMAIL_PORT = ENV.number("EMAIL_PORT")
EMAIL_HOST_USER = ENV.text("EMAIL_USER")
EMAIL_HOST_PASSWORD = ENV.text("EMAIL_PASSWORD")
EMAIL_USE_TLS = ENV.text("EMAIL_SECURITY") == "starttls"
EMAIL_USE_SSL = ENV.text("EMAIL_SECURITY") == "tls"
# In seconds: a server that hangs must not use up a task's time.
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = ENV.text("EMAIL_FROM")

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
# Counted from the last click: see config/staff/idle.py.
SESSION_COOKIE_AGE = 30 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENV.number("PROXY_COUNT") else None
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS for subdomains: they may belong to others
    "security.W008",  # the redirect to https is the proxy's, which alone knows how a request came in
    "security.W021",  # HSTS preload: for the owner of the domain to decide
]
PROXY_COUNT = ENV.number("PROXY_COUNT")
WEBHOOK_ALLOWED_NETS = ENV.words("WEBHOOK_ALLOWED_NETS")
# Seconds before each attempt, the first included: ten over 75 h 35 min 05 s (Standard Webhooks).
WEBHOOK_SCHEDULE: tuple[float, ...] = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
# How long an attempt may take, how long an endpoint is one worker's, and for how long a first circuit opens.
WEBHOOK_DEADLINE_SECONDS = 15
WEBHOOK_LEASE_SECONDS = 60
WEBHOOK_CIRCUIT_SECONDS = 30
FEED_DAYS = ENV.number("FEED_DAYS")
DRAIN_SECONDS = ENV.number("DRAIN_SECONDS")
WEB_WORKERS = ENV.number("WEB_WORKERS")
METRICS_TOKEN = ENV.text("METRICS_TOKEN")
TRACED = bool(ENV.text("OTEL_EXPORTER_OTLP_ENDPOINT"))

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "admin:index"
UNFOLD = unfold.UNFOLD

REST_FRAMEWORK: dict[str, object] = {
    "UNAUTHENTICATED_USER": None,
}

# What crm/docs builds on; each contract's own words are there.
SPECTACULAR_SETTINGS: dict[str, object] = {
    "OAS_VERSION": "3.1.0",
    "COMPONENT_SPLIT_REQUEST": True,
    "SORT_OPERATIONS": False,
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
}

# The handlers are set up by config.logs alone, for the web server, the worker and every command alike.
LOGGING_CONFIG = None
logs.set_up(ENV.text("LOG_FORMAT"), ENV.text("LOG_LEVEL"))
