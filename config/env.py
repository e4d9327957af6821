"""Every setting of Kith: one table, read once from the environment, refused with one sentence when it is wrong."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config import kinds
from config.kinds import Kind, Value

BASE = Path(__file__).resolve().parent.parent
DATABASE_URLS = ("DATABASE_URL", "DATABASE_ADMIN_URL", "DATABASE_MIGRATION_URL")
BACKUP_URL = "DATABASE_BACKUP_URL"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name, kind and default, what it is for, and whether its value must stay hidden."""

    name: str
    kind: Kind
    default: str
    help: str
    secret: bool = False


SETTINGS = (
    Setting(
        "DATABASE_URL", kinds.DATABASE, "", "PostgreSQL, for the API and the worker. Empty: Kith runs its own.", True
    ),
    Setting("DATABASE_ADMIN_URL", kinds.DATABASE, "", "The same database for the admin. Empty: DATABASE_URL.", True),
    Setting(
        "DATABASE_MIGRATION_URL", kinds.DATABASE, "", "The same, as owner of the tables. Empty: DATABASE_URL.", True
    ),
    Setting(
        "DATABASE_REPLICA_URL",
        kinds.DATABASE,
        "",
        "A standby that streams from it: reads of the API go there, unless a tenant's own writes are missing there. "
        "Empty: all reads go to DATABASE_URL.",
        True,
    ),
    Setting(
        BACKUP_URL, kinds.DATABASE, "", "The same, as one who reads all of it. Empty: DATABASE_MIGRATION_URL.", True
    ),
    Setting(
        "DATABASE_POOLER",
        kinds.FLAG,
        "false",
        "PgBouncer in transaction mode stands before DATABASE_URL and DATABASE_ADMIN_URL; roles and limits then come "
        "from the two log-ins, which `manage.py roles` sets up.",
    ),
    Setting("REDIS_URL", kinds.REDIS, "", "Redis, for tasks, limits and caches. Empty: Kith runs its own.", True),
    Setting("BROKER_URL", kinds.BROKER, "", "Another broker for tasks, like RabbitMQ. Empty: REDIS_URL.", True),
    Setting("KITH_HOME", kinds.PATH, "var", "The folder for everything Kith keeps on disk."),
    Setting("HOST", kinds.TEXT, "127.0.0.1", "The address the web server listens on; 0.0.0.0 is every address."),
    Setting("PORT", kinds.number(1, 65535), "8000", "The port the web server listens on."),
    Setting("PUBLIC_URL", kinds.SITE, "", "The address people reach Kith at. Empty: http://localhost and the port."),
    Setting(
        "TENANT_DOMAIN",
        kinds.TEXT,
        "",
        "A tenant's own address is <slug>.<this>. Empty: the host of PUBLIC_URL, or localtest.me where that is local.",
    ),
    Setting("SECRET_KEY", kinds.TEXT, "", "Signs sessions. Empty: made once and kept in KITH_HOME/secret_key.", True),
    Setting(
        "ENCRYPTION_KEYS",
        kinds.KEYS,
        "",
        "Keys that seal secrets in the database: the first seals, all open. Empty: one is made once and kept in "
        "KITH_HOME/encryption_keys.",
        True,
    ),
    Setting("DEBUG", kinds.FLAG, "false", "Shows error details in the browser; never on a server others can reach."),
    Setting("ALLOWED_HOSTS", kinds.WORDS, "", "More host names to answer to, beside localhost and the public one."),
    Setting("CSRF_TRUSTED_ORIGINS", kinds.WORDS, "", "More origins whose forms the admin accepts."),
    Setting("PROXY_COUNT", kinds.number(0, 10), "0", "How many of your own proxies stand in front of Kith."),
    Setting("WEB_WORKERS", kinds.number(1, 128), "2", "Processes of the web server."),
    Setting(
        "DRAIN_SECONDS",
        kinds.number(0, 300),
        "5",
        "Seconds that a web server which is asked to end says so on /readyz and still serves; `manage.py up` takes 0.",
    ),
    Setting("WORKER_CONCURRENCY", kinds.number(1, 128), "2", "Tasks the worker runs at the same time."),
    Setting("WEBHOOK_ALLOWED_NETS", kinds.NETWORKS, "", "Private networks that webhooks may be sent to."),
    Setting("EMAIL_HOST", kinds.TEXT, "", "The SMTP server for mail. Empty: mail is shown in the worker's log."),
    Setting("EMAIL_PORT", kinds.number(1, 65535), "587", "The SMTP server's port."),
    Setting(
        "EMAIL_SECURITY", kinds.choice("starttls", "tls", "none"), "starttls", "How the way to the SMTP server is kept."
    ),
    Setting("EMAIL_USER", kinds.TEXT, "", "The log-in at the SMTP server, where it wants one."),
    Setting("EMAIL_PASSWORD", kinds.TEXT, "", "The password that goes with it.", True),
    Setting("EMAIL_FROM", kinds.TEXT, "kith@localhost", "The address that mail comes from."),
    Setting("FILES_QUOTA_MB", kinds.number(0, 10**9), "1024", "Megabytes of files a tenant may keep; 0 is no limit."),
    Setting(
        "FILES_SCANNER",
        kinds.TEXT,
        "",
        "A command that reads a file and ends with 0 for clean, 1 for refused, like clamdscan --no-summary -",
    ),
    Setting("S3_BUCKET", kinds.TEXT, "", "The bucket that keeps new files. Empty: the folder files in KITH_HOME."),
    Setting("S3_ENDPOINT", kinds.SITE, "", "The address of an S3 server. Empty: Amazon's."),
    Setting("S3_REGION", kinds.TEXT, "us-east-1", "The region of the bucket."),
    Setting("S3_ACCESS_KEY", kinds.TEXT, "", "The name of the S3 key. Empty: the machine's own role."),
    Setting("S3_SECRET_KEY", kinds.TEXT, "", "The secret of the S3 key.", True),
    Setting("FEED_DAYS", kinds.number(30, 36_500), "90", "Days that the feed of events reaches back."),
    Setting("LOG_FORMAT", kinds.choice("console", "json"), "console", "How log lines are written."),
    Setting(
        "LOG_LEVEL", kinds.choice("DEBUG", "INFO", "WARNING", "ERROR"), "INFO", "The least important lines to log."
    ),
    Setting(
        "METRICS_TOKEN",
        kinds.TOKEN,
        "",
        "Who sends it as a bearer token may read /metrics. Empty: whoever is on this machine, where no proxy stands in "
        "front.",
        True,
    ),
    Setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        kinds.SITE,
        "",
        "The collector of OpenTelemetry that traces are sent to, over HTTP, like http://localhost:4318. Empty: none "
        "are made.",
    ),
    Setting("STATEMENT_TIMEOUT_MS", kinds.number(0, 600_000), "5000", "Milliseconds a database statement may take."),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """The value of one setting, and where it came from: environment, file, default or embedded."""

    value: Value
    source: str


class Environment:
    """The settings as they were read; each reader returns the value in its type."""

    def __init__(self, readings: Mapping[str, Reading]) -> None:
        self.readings = dict(readings)

    def text(self, name: str) -> str:
        """Return a text, address or folder."""
        value = self.readings[name].value
        assert isinstance(value, str)
        return value

    def number(self, name: str) -> int:
        """Return a whole number."""
        value = self.readings[name].value
        assert isinstance(value, int)
        return value

    def flag(self, name: str) -> bool:
        """Return yes or no."""
        return self.readings[name].value is True

    def words(self, name: str) -> tuple[str, ...]:
        """Return a list."""
        value = self.readings[name].value
        assert isinstance(value, tuple)
        return value

    @property
    def home(self) -> Path:
        """The folder for everything Kith keeps on disk."""
        return Path(self.text("KITH_HOME"))


def read(environ: Mapping[str, str] = os.environ) -> Environment:
    """Read every setting. Raises ImproperlyConfigured with one sentence that names the wrong one."""
    readings = {setting.name: find_reading(setting, environ) or default(setting) for setting in SETTINGS}
    home = Path(str(readings["KITH_HOME"].value))
    return Environment(readings | find_servers(readings, home))


def default(setting: Setting) -> Reading:
    """Return the default of a setting; the data folder stands beside manage.py."""
    text = str(BASE / setting.default) if setting.kind is kinds.PATH else setting.default
    return Reading(setting.kind.convert(text), "default")


def find_reading(setting: Setting, environ: Mapping[str, str]) -> Reading | None:
    """Look a setting up in the environment, or in the file that NAME_FILE points to."""
    text, path = environ.get(setting.name, ""), environ.get(f"{setting.name}_FILE", "") if setting.secret else ""
    if text and path:
        raise ImproperlyConfigured(f"{setting.name} and {setting.name}_FILE are both set: keep one of them.")
    if path:
        return Reading(to_value(setting, read_file(setting, path)), "file")
    return Reading(to_value(setting, text), "environment") if text else None


def read_file(setting: Setting, path: str) -> str:
    """Read a secret from its file, without the line end."""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ImproperlyConfigured(f"{setting.name}_FILE points to {path}, which cannot be read: {reason}.") from None


def to_value(setting: Setting, text: str) -> Value:
    """Turn the text of a setting into its value, or refuse it without repeating a secret."""
    try:
        return setting.kind.convert(text)
    except ValueError:
        shown = "not understood" if setting.secret else repr(text)
        raise ImproperlyConfigured(f"{setting.name} is {shown}: {setting.kind.must}.") from None


def find_servers(readings: Mapping[str, Reading], home: Path) -> dict[str, Reading]:
    """Fill in the addresses that were not given: from the servers Kith runs itself, or from DATABASE_URL."""
    urls = read_embedded(home)
    given = {name for name in (*DATABASE_URLS, BACKUP_URL, "REDIS_URL") if readings[name].value}
    found = {name: Reading(url, "embedded") for name, url in urls.items() if name not in given}
    if "DATABASE_URL" in given:
        main = Reading(readings["DATABASE_URL"].value, "default")
        found |= {name: main for name in DATABASE_URLS if name not in given}
    owner = found.get("DATABASE_MIGRATION_URL", readings["DATABASE_MIGRATION_URL"])
    return found if BACKUP_URL in given else {BACKUP_URL: owner, **found}


def read_embedded(home: Path) -> dict[str, str]:
    """Return the addresses of the servers Kith runs itself; none before their first start."""
    path = home / "embedded.json"
    try:
        urls: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))["urls"]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except PermissionError:
        message = f"{path} belongs to another user: work as that user, or set DATABASE_URL and REDIS_URL."
        raise ImproperlyConfigured(message) from None
    except (OSError, ValueError, KeyError) as error:
        raise ImproperlyConfigured(f"{path} cannot be read ({error}): restore it from a backup.") from None
    return urls
