"""The addresses of the servers, in the form Django wants them."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from config.env import DATABASE_URLS, Environment

NO_DATABASE = "No database: start Kith with `make run`, or set DATABASE_URL."
OWN_LOGINS = (
    "DATABASE_POOLER needs three log-ins, as a pooled connection takes its role from the one it is made with: give "
    "DATABASE_URL, DATABASE_ADMIN_URL and DATABASE_MIGRATION_URL a user each."
)
SILENT_DATABASE = "The database does not answer: start Kith with `make run`, or correct DATABASE_URL."
NO_REDIS = "No Redis: start Kith with `make run`, or set REDIS_URL."
REPLICA = "DATABASE_REPLICA_URL"
BRIEF = {"connect_timeout": 2, "keepalives_idle": 2, "keepalives_interval": 1, "keepalives_count": 2}
# What a pooler may stand before.
POOLED = ("DATABASE_URL", "DATABASE_ADMIN_URL")
# Asked once is not worth a plan; see tenants/statements.py.
PREPARED_AFTER = 1
ROLES = {"DATABASE_URL": "kith_app", "DATABASE_ADMIN_URL": "kith_admin", REPLICA: "kith_app"}


def databases(env: Environment) -> dict[str, dict[str, Any]]:
    """Return the connections: the API, the admin, the owner of the tables, and a replica where there is one."""
    if env.flag("DATABASE_POOLER"):
        need_logins(env)
    found = {
        "default": database(env, "DATABASE_URL"),
        "admin": database(env, "DATABASE_ADMIN_URL"),
        "owner": database(env, "DATABASE_MIGRATION_URL"),
    }
    return found | ({"replica": replica(env)} if env.text(REPLICA) else {})


def replica(env: Environment) -> dict[str, Any]:
    """Return the connection to the replica: where there is another server to ask, none is waited for."""
    found = database(env, REPLICA)
    limit = env.number("STATEMENT_TIMEOUT_MS") / 1000 or 30
    # For a replica that hangs: it cannot keep to PostgreSQL's own limit.
    return {**found, "ENGINE": "tenants.impatient", "PATIENCE": limit + 1, "OPTIONS": {**found["OPTIONS"], **BRIEF}}


def database(env: Environment, name: str) -> dict[str, Any]:
    """Return one connection. Without an address it is Django's dummy, on which only commands without data work."""
    url = env.text(name)
    if not url:
        return {"ENGINE": "django.db.backends.dummy"}
    parts = to_parts(name, url)
    pooled = is_pooled(env, name)
    # Behind a pooler a statement prepared on one connection would be asked for on another.
    parts["prepare_threshold"] = None if pooled else PREPARED_AFTER
    if not pooled:
        given = [f"-c {setting}={value}" for setting, value in session_settings(env, name).items()]
        parts["options"] = " ".join(filter(None, [parts.get("options", ""), *given]))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
        # One connection a process, kept for good; the request machinery replaces a dead one itself.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": False,
        "ATOMIC_REQUESTS": False,
        "DISABLE_SERVER_SIDE_CURSORS": pooled,
        "OPTIONS": {"connect_timeout": 3, **parts},
    }


def to_parts(name: str, url: str) -> dict[str, Any]:
    """Take a database address apart, the way PostgreSQL's own library does."""
    try:
        return dict(conninfo_to_dict(url))
    except ProgrammingError:
        message = f"{name} is not understood: it must be an address like postgresql://user:password@host:5432/database."
        raise ImproperlyConfigured(message) from None


def is_pooled(env: Environment, name: str) -> bool:
    """Tell whether a pooler hands out the connections; the owner of the tables goes to PostgreSQL itself."""
    return name in POOLED and env.flag("DATABASE_POOLER")


def need_logins(env: Environment) -> None:
    """Refuse a pooler behind which one log-in would have to take two roles."""
    users = {to_parts(name, env.text(name)).get("user") for name in DATABASE_URLS if env.text(name)}
    if users and len(users - {None}) < len(DATABASE_URLS):
        raise ImproperlyConfigured(OWN_LOGINS)


def session_settings(env: Environment, name: str) -> dict[str, str]:
    """Return what PostgreSQL sets when a connection opens: the role, and limits that no request may pass.

    A pooler passes none of it on: behind one they are settings of the log-in (config/roles.py).
    """
    if name not in ROLES:
        return {}
    return {
        "role": ROLES[name],
        "statement_timeout": str(env.number("STATEMENT_TIMEOUT_MS")),
        "lock_timeout": "2000",
        "idle_in_transaction_session_timeout": "30000",
        # What compiles a statement, or spreads it over processes, takes longer than our statements do.
        "jit": "off",
        "max_parallel_workers_per_gather": "0",
        # A page of an index costs about as much as the next page of a table, where disks do not turn.
        "random_page_cost": "1.1",
    }


def redis_url(env: Environment, number: int) -> str:
    """Return the address of one numbered Redis database, or an empty text when there is no Redis."""
    url = env.text("REDIS_URL")
    if not url or url.startswith("unix:"):
        return url and f"{url.split('?')[0]}?db={number}"
    return urlunsplit(urlsplit(url)._replace(path=f"/{number}"))


def caches(env: Environment) -> dict[str, dict[str, Any]]:
    """Return the cache: Redis database 1, given up on quickly, since no answer may wait for a cache."""
    url = redis_url(env, 1)
    if not url:
        return {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    return {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": url,
            "OPTIONS": {"socket_timeout": 0.25, "socket_connect_timeout": 0.25},
        }
    }


def need_servers(env: Environment) -> None:
    """Refuse to start a server process that has no database or no Redis."""
    if not env.text("DATABASE_URL"):
        raise ImproperlyConfigured(NO_DATABASE)
    if not env.text("REDIS_URL"):
        raise ImproperlyConfigured(NO_REDIS)


def explain(error: Exception) -> str:
    """Return the sentence for an error that ends a command. Raises the error again when it is not about settings."""
    if str(error).startswith("settings.DATABASES is improperly configured"):
        return NO_DATABASE
    if isinstance(error, ImproperlyConfigured):
        return str(error)
    if str(error).startswith("connection failed"):
        return SILENT_DATABASE
    raise error
