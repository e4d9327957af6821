"""Logging for every process: one line a record, on the console or as JSON, with secrets masked."""

import logging
import logging.config
import os
import sys
from typing import Any

import structlog

from config.redaction import redact

SHARED: tuple[Any, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def set_up(form: str, level: str) -> None:
    """Send every record, of structlog and of the standard library, through one formatter to stderr."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(configuration(form, level))
    logging.captureWarnings(True)


def configuration(form: str, level: str) -> dict[str, Any]:
    """Return the configuration of the standard library's logging."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"kith": {"()": formatter, "form": form}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "kith"}},
        "root": {"handlers": ["console"], "level": level},
        # It would say again, with the whole path, what our own line says with the route.
        "loggers": {"django.request": {"level": "ERROR"}},
    }


def formatter(form: str) -> structlog.stdlib.ProcessorFormatter:
    """Make the formatter. Redaction stands right before the renderer: nothing is added after it."""
    colours = "FORCE_COLOR" in os.environ or sys.stderr.isatty()
    console = structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)
    renderer: Any = structlog.processors.JSONRenderer() if form == "json" else console
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
    )
