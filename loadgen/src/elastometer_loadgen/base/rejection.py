"""Requests that the server turns away: with a client error, a redirect, or because there were too many. Pure.

One of them may be a mistake of its own, and a 429 asks for less of the same. If nothing else ever came back, then the
run measured nothing, and there is one thing to fix first.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from elastometer_loadgen.base.record import Outcome

ADDED = re.compile(r"(/v1)?(/chat/completions|/completions|/models)?/?$")
DOUBLED = re.compile(r"/v1(/chat/completions|/completions|/models)?/v1/")
KEY_WANTED = frozenset({401, 403, 407})
NO_SUCH_PATH = frozenset({404, 405, 410, 501})
REDIRECTS = range(300, 400)
TOO_MANY = 429
NAMES_OF_THROTTLING = re.compile(r"rate.?limit|too.?many.?requests|throttl", re.IGNORECASE)
# Servers state errors in streams too, whose status is that of a good answer.
IN_BODY = 200


def is_rejection(outcome: Outcome, status: int | None) -> bool:
    """True for an answer that says that the request was not meant for this server, or not like this."""
    return outcome is Outcome.CLIENT_ERROR or (status is not None and status in REDIRECTS)


def is_rejected(outcome: Outcome, status: int | None) -> bool:
    """True for an answer that turned the request away, for good or for now."""
    return is_rejection(outcome, status) or outcome is Outcome.THROTTLED


def is_throttling(status: int | None, error: str) -> bool:
    """True where the server wants less of the same, and nothing else is wrong."""
    return status == TOO_MANY or (status == IN_BODY and NAMES_OF_THROTTLING.search(error) is not None)


def named(status: int | None) -> str:
    """The status as it stands in a sentence."""
    return f"{status} and an error in the answer" if status == IN_BODY else str(status)


class Rejection(NamedTuple):
    """What every request of a run got: counts by status, the most frequent first, and that one's first text."""

    requests: int
    statuses: Mapping[int | None, int]
    error: str

    @property
    def status(self) -> int | None:
        """The most frequent one; 200 where the error is in the answer's body."""
        return next(iter(self.statuses))

    def sentence(self, url: str | None) -> str:
        """What the server said; `url` is where the requests went, as far as that is known."""
        which = ", ".join(f"{named(status)} ({count})" for status, count in self.statuses.items())
        which = which if len(self.statuses) > 1 else named(self.status)
        whom = f"{self.requests} of {self.requests}"
        return f"every request ({whom}) was rejected by {url or 'the server'} with status {which}: {self.error}"


class RejectionCount:
    """Takes requests in any order."""

    def __init__(self) -> None:
        self._counts: Counter[int | None] = Counter()
        self._errors: dict[int | None, str] = {}
        self.had_other = False
        """Whether a request was served, or failed in another way: then no more of them need to be counted."""

    def add(self, outcome: Outcome, status: int | None, error: str | None, number: int = 1) -> None:
        """Counts one request that is over, or a number of them that ended alike; the first one's text is kept."""
        if not is_rejected(outcome, status):
            self.had_other = True
            return
        self._counts[status] += number
        self._errors.setdefault(status, error or "no message")

    def found(self) -> Rejection | None:
        """None unless there were requests and all of them were rejected."""
        if self.had_other or not self._counts:
            return None
        ordered = dict(self._counts.most_common())
        return Rejection(self._counts.total(), ordered, self._errors[next(iter(ordered))])


def advice(status: int | None, error: str, url: str) -> str:
    """What to change on the command line; `url` is where the requests went."""
    doubled = DOUBLED.search(url)
    if doubled is not None and status not in (*KEY_WANTED, TOO_MANY):
        return f"--target must not end in /v1, which is added to it: give {ADDED.sub('', url[: doubled.start()])}"
    if status in KEY_WANTED:
        return "give the server's key by --api-key-file"
    if is_throttling(status, error):
        return "the server, or a gateway in front of it, limits the rate: raise that limit, or send less"
    if status is not None and status in REDIRECTS:
        return "--target must be the URL to which the server redirects, without /v1"
    if status in NO_SUCH_PATH and "model" in error.lower():
        return "--model, or the profile's model, must be one that the server lists at /v1/models"
    if status in NO_SUCH_PATH:
        return "--target must be the URL that precedes /v1 at the server"
    return "compare the profile's model, tasks, sampling and endpoint with the server's message"
