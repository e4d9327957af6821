"""Where files are kept, in the form Django wants it: a folder on disk, and an S3 bucket where one is set."""

from typing import Any

from config.env import Environment

__all__ = ["stores"]

# What a file from S3 may take of the memory before it goes to disk.
IN_MEMORY = 1024 * 1024


def stores(env: Environment) -> dict[str, dict[str, Any]]:
    """Return the stores by name: the usual ones of Django, `local`, and `s3`."""
    private = {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700}
    found: dict[str, dict[str, Any]] = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        "local": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(env.home / "files"), **private},
        },
    }
    return found | ({"s3": s3(env)} if env.text("S3_BUCKET") else {})


def s3(env: Environment) -> dict[str, Any]:
    from botocore.config import Config  # noqa: PLC0415  only where there is a bucket: loading it takes a while

    # Other servers than Amazon's know a bucket by its path, not by a host name.
    by_path: Any = {"addressing_style": "path"} if env.text("S3_ENDPOINT") else {}
    options = {
        "bucket_name": env.text("S3_BUCKET"),
        "region_name": env.text("S3_REGION"),
        "endpoint_url": env.text("S3_ENDPOINT") or None,
        "access_key": env.text("S3_ACCESS_KEY") or None,
        "secret_key": env.text("S3_SECRET_KEY") or None,
        # A request waits for it, and holds a connection to the database.
        "client_config": Config(connect_timeout=3, read_timeout=15, retries={"total_max_attempts": 2}, s3=by_path),
        "max_memory_size": IN_MEMORY,
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
