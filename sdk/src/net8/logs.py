"""Structured logs: one line per event, as JSON or as key=value, on standard error.

Usage: `log.info("reading refused", extra=fields(site=65537, reason="..."))`.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

__all__ = ["fields", "setup"]

_ATTRIBUTE = "net8_fields"


def fields(**values: object) -> dict[str, dict[str, object]]:
    """The facts of an event, for the `extra` of a logging call."""
    return {_ATTRIBUTE: values}


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    facts = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": record.getMessage(),
        **getattr(record, _ATTRIBUTE, {}),
    }
    if record.exc_info and record.exc_info[1] is not None:
        facts["traceback"] = logging.Formatter().formatException(record.exc_info)
    return facts


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_facts(record), default=str)


class _KeyValue(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return " ".join(
            f"{name}={json.dumps(value, default=str) if isinstance(value, str) and ' ' in value else value}"
            for name, value in _facts(record).items()
        )


def setup(form: str, level: str) -> None:
    """Send all logs of the process to standard error as `json` or `text`, from `level` upwards."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _KeyValue())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    logging.getLogger("pymodbus").setLevel(logging.WARNING)
