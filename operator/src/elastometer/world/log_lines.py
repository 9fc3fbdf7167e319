"""The operator's log: one line per record, as key=value text or as JSON, with every field that the call passed.

kopf's records are printed the same way. Its own `configure` is not used: its text has no fields, and it silences the
logger of asyncio, which reports exceptions that nobody awaited. Secrets are struck out before anything is encoded.
"""
from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson

from elastometer.model.bundle_files import STRUCK
from elastometer.model.names import KIND, STUDY_KIND, Names
from elastometer.model.study_names import StudyNames
from elastometer.model.times import format_instant
from elastometer.world.redaction import SECRET_NAME, text_without_secrets

# What each record has without anybody passing it; all else came by `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# kopf's own: a reference to the object, which becomes fields, and what steers its events.
_KOPF_OBJECT = "k8s_ref"
_KOPF_INTERNAL = frozenset({"k8s_skip", "settings"})
_NOT_PASSED = _STANDARD | _KOPF_INTERNAL
_TRACEBACK = "exception"


class LogFormat(StrEnum):
    """How a record is printed."""

    TEXT = "text"
    JSON = "json"


def configure(format_name: str, level: str) -> None:
    """Prints all records of the process on standard error. Raises ValueError for an unknown format or level."""
    if format_name not in set(LogFormat):
        raise ValueError(f"the log format must be one of {', '.join(LogFormat)}, is {format_name!r}")
    handler = logging.StreamHandler()
    handler.setFormatter(FieldFormatter(LogFormat(format_name)))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def of_test(names: Names, **facts: Any) -> dict[str, Any]:
    """The `extra` of a record about one test."""
    return {"namespace": names.namespace, "test": names.test, **facts}


def of_study(names: StudyNames, **facts: Any) -> dict[str, Any]:
    """The `extra` of a record about one study."""
    return {"namespace": names.namespace, "study": names.study, **facts}


class FieldFormatter(logging.Formatter):
    """Time (UTC), severity, logger and message first, then the fields in the order in which they were passed."""

    def __init__(self, log_format: LogFormat) -> None:
        super().__init__()
        self._format = log_format

    def format(self, record: logging.LogRecord) -> str:
        fields = {key: _clean(key, value) for key, value in self._fields(record).items()}
        if self._format is LogFormat.JSON:
            return orjson.dumps(fields).decode()
        # A traceback is for people: in text it follows its line as it is.
        traceback = fields.pop(_TRACEBACK, None)
        line = " ".join(f"{key}={_quoted(value)}" for key, value in fields.items())
        return line if traceback is None else f"{line}\n{traceback}"

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        passed = {key: value for key, value in vars(record).items() if key not in _NOT_PASSED}
        about = _about(passed.pop(_KOPF_OBJECT, None) or {})
        raised = {_TRACEBACK: self.formatException(record.exc_info)} if record.exc_info else {}
        return {
            "time": format_instant(datetime.fromtimestamp(record.created, UTC)),
            "severity": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **about,
            **passed,
            **raised,
        }


def _about(reference: Mapping[str, Any]) -> dict[str, Any]:
    """kopf's reference to an object under the names that our own records use."""
    name = {KIND: "test", STUDY_KIND: "study"}.get(str(reference.get("kind")), "object")
    found = {"namespace": reference.get("namespace"), name: reference.get("name")}
    return {key: value for key, value in found.items() if value}


def _clean(key: str, value: Any) -> Any:
    """The value as it may be printed: a number, or text without secrets."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = str(value).encode(errors="replace").decode()  # a lone surrogate, of a header or a file name, is no UTF-8
    return STRUCK if SECRET_NAME.search(key) else text_without_secrets(text)


def _quoted(value: Any) -> str:
    """Quoted unless it is one plain word, so that no value can look like another field or begin a line of its own."""
    text = str(value)
    plain = bool(text) and text.isprintable() and not set(text) & set(' ="\\')
    return text if plain else json.dumps(text, ensure_ascii=not text.isprintable())
