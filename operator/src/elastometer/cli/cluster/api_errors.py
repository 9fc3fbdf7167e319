"""API errors: what they mean, in words, and whether a retry may help."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import urllib3
from kubernetes.client.exceptions import ApiException

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.kinds import TEST, Kind


def is_transient(error: BaseException) -> bool:
    """Whether the same call may succeed a little later."""
    if isinstance(error, ApiException):
        # The client reports a TLS failure as status 0. 429 means that the server sheds load.
        return error.status in (None, 0, 429) or int(error.status) >= 500
    return isinstance(error, urllib3.exceptions.HTTPError)


def is_kind_missing(error: ApiException) -> bool:
    """Whether a 404 means that the CRD is not installed, not that one object is missing: only the latter has a name."""
    return error.status == 404 and not _details(error).get("name")


def refusal(error: ApiException) -> list[str]:
    """The API server's message, one line per flaw, each with its field path if it has one.

    A cause without a field ("<nil>") is left out: it only says that CEL rules are not checked until the shape is right.
    """
    causes = [cause for cause in _details(error).get("causes") or () if cause.get("message")]
    if causes:
        lines = [": ".join(filter(None, (cause.get("field"), cause["message"]))) for cause in causes]
        return [line for line in dict.fromkeys(lines) if not line.startswith("<nil>: ")]
    # Strict decoding errors have no causes; they come as one message, separated by commas.
    message = str(_status_of(error).get("message") or error.reason or error)
    _, found, flaws = message.partition("strict decoding error: ")
    return flaws.split(", ") if found else [message]


@contextmanager
def in_words(host: str, kind: Kind = TEST) -> Iterator[None]:
    """Turns API errors that no command handles into a message and an exit code; `kind` is that of the objects that are
    asked for."""
    try:
        yield
    except ApiException as error:
        raise _explained(error, host, kind) from error
    except urllib3.exceptions.HTTPError as error:
        reason = getattr(error, "reason", None) or error
        raise CliError(Exit.NOT_CARRIED_OUT, f"the API server {host} does not answer: {reason}") from error


def _explained(error: ApiException, host: str, kind: Kind) -> CliError:
    if is_kind_missing(error):
        return CliError(
            Exit.NOT_CARRIED_OUT, f"the API server {host} does not know {kind.name}: elastometer is not installed, or "
            "in a version that lacks it",
            "  helm upgrade --install elastometer charts/elastometer -n elastometer --create-namespace")
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
