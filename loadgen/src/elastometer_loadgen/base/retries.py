"""How long to wait before a lost request is sent again, and how long a request may take with all its attempts. Pure."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Before the second attempt, and doubled before each further one; OpenAI's own client waits about as long.
PAUSE_SECONDS = 0.5
# The most that a server can ask for. A longer wait would leave the stage, and clients of OpenAI stop there too.
MAX_ASKED_SECONDS = 60
# RFC 9110, section 10.2.3 (https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3), and what Azure sends besides.
RETRY_AFTER, RETRY_AFTER_MS, DATE = b"retry-after", b"retry-after-ms", b"date"
RETRY_HEADERS = frozenset({RETRY_AFTER, RETRY_AFTER_MS, DATE})
# Some servers send fractions of a second, which the standard does not have.
NUMBER = re.compile(rb"[0-9]{1,9}(?:\.[0-9]{0,9})?")


def pause_seconds(attempt: int, headers: Mapping[bytes, bytes], timeout_seconds: float) -> float:
    """The pause after this attempt, counted from 1: the usual one, or longer where the server asked for it.

    It never asks for more than MAX_ASKED_SECONDS, nor for more than one attempt may take.
    """
    usual = PAUSE_SECONDS * (1 << attempt - 1)
    return max(usual, min(asked_seconds(headers) or 0.0, MAX_ASKED_SECONDS, timeout_seconds))


def asked_seconds(headers: Mapping[bytes, bytes]) -> float | None:
    """What the server asked for; None where it asked for nothing, or for nothing that can be read.

    An instant counts from the answer's own `Date`, so that a clock that is wrong cannot stretch it.
    """
    milliseconds, given = headers.get(RETRY_AFTER_MS, b"").strip(), headers.get(RETRY_AFTER, b"").strip()
    if NUMBER.fullmatch(milliseconds):
        return float(milliseconds) / 1000
    if NUMBER.fullmatch(given):
        return float(given)
    until, since = _instant(given), _instant(headers.get(DATE, b""))
    return None if until is None or since is None else max((until - since).total_seconds(), 0.0)


def request_seconds(timeout_seconds: int, retries: int) -> int:
    """Every attempt may take its full time-out, and every pause what a server may ask for."""
    longest = {RETRY_AFTER: b"%d" % MAX_ASKED_SECONDS}
    pauses = (pause_seconds(attempt, longest, timeout_seconds) for attempt in range(1, retries + 1))
    return (retries + 1) * timeout_seconds + math.ceil(sum(pauses))


def _instant(text: bytes) -> datetime | None:
    try:
        instant = parsedate_to_datetime(text.decode("ascii"))
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
