"""An error that a server states in an answer with status 200: as JSON, as bare text, as an event of its own. Pure."""

import re
from typing import Any, NamedTuple

from elastometer_loadgen.base.rejection import NAMES_OF_THROTTLING, TOO_MANY
from elastometer_loadgen.wire.event import joined, read_json
from elastometer_loadgen.wire.sse import ErrorEvent

# "error: …", "[ERROR] …": what servers write where their JSON ends.
BARE = re.compile(r"\W*error\b", re.IGNORECASE)
# Where an error says in words what happened.
TEXTS = ("message", "detail", "text", "msg", "error_msg", "error_message", "status_msg")
# Longer than what is shown, so that a key in it is never cut in two before it is looked for.
MAX_CHARACTERS = 4096


class StatedError(NamedTuple):
    """What the server says, and the HTTP status that it gives for it, if any."""

    text: str
    status: int | None = None


def stated_error(payload: bytes) -> StatedError | None:
    """The error in a payload; None where it states none."""
    value = _value_of(payload)
    if isinstance(value, dict):
        return stated_in(value)
    return StatedError(shown(value)) if isinstance(value, str) and BARE.match(value) else None


def declared_error(payload: bytes) -> StatedError:
    """The error in the payload of an event that is one by its name, whatever it looks like."""
    value = _value_of(payload)
    if isinstance(value, dict):
        return stated_in(value) or StatedError(_message_of(value), _status_of(value))
    return StatedError(shown(str(value)) or "an error without a message")


def stated_in(event: dict[str, Any]) -> StatedError | None:
    """The error in an event: `error` as an object or a text, there or in a choice, or the event itself.

    An event that is no piece of an answer is one itself if it states the status of an error.
    """
    error = event.get("error")
    if error:
        own = _status_of(error) if isinstance(error, dict) else None
        return StatedError(_message_of(error), own or _status_of(event))
    if event.get("object") == "error" or event.get("error_code"):
        return StatedError(_message_of(event), _status_of(event))
    if not event.get("choices") and has_words(event) and (status := _status_of(event)) is not None:
        return StatedError(_message_of(event), status)
    choices = event.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and choice.get("error"):
            return stated_in({"error": choice["error"]})
    return None


def error_in(payload: bytes) -> StatedError | None:
    """The error in a payload, or in an event that is one by its name."""
    return declared_error(payload) if isinstance(payload, ErrorEvent) else stated_error(payload)


def has_words(event: dict[str, Any]) -> bool:
    """Whether an event, or an object in it, says something to a reader."""
    inner = (value for value in event.values() if isinstance(value, dict))
    return any(isinstance(one.get(name), str) and one[name] for one in (event, *inner) for name in TEXTS)


def shown(text: str) -> str:
    """On one line, and not without end."""
    return " ".join(joined(text[:MAX_CHARACTERS]).split())


def _value_of(payload: bytes) -> object:
    """Bare text where it is no JSON."""
    try:
        return read_json(payload)
    except ValueError:
        return payload.decode("utf-8", "replace")


def _message_of(error: object) -> str:
    if isinstance(error, dict):
        texts = (error.get(name) for name in TEXTS)
        return shown(next((text for text in texts if text and isinstance(text, str)), str(error)))
    return shown(str(error))


def _status_of(error: dict[str, Any]) -> int | None:
    for name in ("code", "status", "status_code", "type", "error_type"):
        given = error.get(name)
        if isinstance(given, str) and NAMES_OF_THROTTLING.search(given):
            return TOO_MANY
        digits = str(given)
        if len(digits) == 3 and digits.isdecimal() and 400 <= int(digits) < 600:
            return int(digits)
    return None
