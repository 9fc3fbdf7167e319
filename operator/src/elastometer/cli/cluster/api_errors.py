"""What an API server's refusals mean, in words and by whether waiting would help."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import urllib3
from kubernetes.client.exceptions import ApiException

from elastometer.cli.base.exits import CliError, Exit


def is_transient(error: BaseException) -> bool:
    """Whether the same call may succeed a little later."""
    if isinstance(error, ApiException):
        return error.status in (None, 0, 429) or int(error.status) >= 500
    return isinstance(error, urllib3.exceptions.HTTPError)


def is_kind_missing(error: ApiException) -> bool:
    """Whether a 404 says that the API server does not know ElasticityTest (and not that one object is missing)."""
    return error.status == 404 and not _details(error).get("name")


def refusal(error: ApiException) -> list[str]:
    """What the API server said, a flaw a line, each with its field path where it gave one.

    The cause that belongs to no field ("<nil>") only says that CEL rules wait until the shape is right: left out.
    """
    causes = [cause for cause in _details(error).get("causes") or () if cause.get("message")]
    if causes:
        lines = [": ".join(filter(None, (cause.get("field"), cause["message"]))) for cause in causes]
        return [line for line in dict.fromkeys(lines) if not line.startswith("<nil>: ")]
    message = str(_status_of(error).get("message") or error.reason or error)
    _, found, flaws = message.partition("strict decoding error: ")
    return flaws.split(", ") if found else [message]


@contextmanager
def in_words(host: str) -> Iterator[None]:
    """Turns what no command expected of the API server into words and an exit code."""
    try:
        yield
    except ApiException as error:
        raise _explained(error, host) from error
    except urllib3.exceptions.HTTPError as error:
        reason = getattr(error, "reason", None) or error
        raise CliError(Exit.NOT_CARRIED_OUT, f"the API server {host} does not answer: {reason}") from error


def _explained(error: ApiException, host: str) -> CliError:
    if is_kind_missing(error):
        return CliError(
            Exit.NOT_CARRIED_OUT, f"the API server {host} does not know ElasticityTest: elastometer is not installed",
            "  helm install elastometer charts/elastometer -n elastometer --create-namespace")
    return CliError(
        Exit.NOT_CARRIED_OUT, f"the API server {host} answered {error.status}:",
        *(f"  {line}" for line in refusal(error)))


def _details(error: ApiException) -> dict[str, Any]:
    details = _status_of(error).get("details")
    return details if isinstance(details, dict) else {}


def _status_of(error: ApiException) -> dict[str, Any]:
    try:
        parsed = orjson.loads(error.body or b"")
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
