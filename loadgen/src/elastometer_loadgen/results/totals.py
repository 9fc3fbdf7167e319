"""The totals of a run's records, by stage and task. Percentiles are exact, by nearest rank, in milliseconds.

First-token time and latency count from the intended time, so that a request which was sent late is not flattered, and
again from the send time. Time per output token is (last token - first token) / (tokens - 1) by the server's count, time
between chunks the same by the chunks that arrived. All but first-token time are of requests that succeeded. Pure.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from elastometer_loadgen.base.measures import (
    is_buffered,
    latency,
    latency_from_send,
    nearest_rank,
    time_between_chunks,
    time_per_output_token,
    time_to_first_token,
    time_to_first_token_from_send,
)
from elastometer_loadgen.base.record import KEYS, Outcome, RequestRecord
from elastometer_loadgen.checks.rate import CheckTally

PERCENTILES = {"p50Milliseconds": 50, "p90Milliseconds": 90, "p95Milliseconds": 95, "p99Milliseconds": 99,
               "maximumMilliseconds": 100}
PERCENT_DECIMALS = 3


def quantiles(microseconds: Iterable[float]) -> dict[str, float | None]:
    """Count and percentiles."""
    ordered = sorted(microseconds)
    found: dict[str, float | None] = {"count": len(ordered)}
    for name, percent in PERCENTILES.items():
        value = nearest_rank(ordered, percent)
        found[name] = None if value is None else round(value / 1000, 3)
    return found


MEASURES: dict[str, Callable[[RequestRecord], float | None]] = {
    "timeToFirstToken": time_to_first_token,
    "timeToFirstTokenFromSend": time_to_first_token_from_send,
    "timePerOutputToken": time_per_output_token,
    "timeBetweenChunks": time_between_chunks,
    "latency": latency,
    "latencyFromSend": latency_from_send,
}


class Group:
    """The records of one stage and task, added up."""

    def __init__(self) -> None:
        self.outcomes: Counter[Outcome] = Counter()
        self.first_attempts: Counter[Outcome] = Counter()
        self.sent_again = 0
        self.buffered = 0
        self.tokens: int | None = None
        self.lateness = array("d")
        self.values = {name: array("d") for name in MEASURES}
        self.began: int | None = None
        self.ended: int | None = None

    def add(self, record: RequestRecord) -> None:
        """Adds one record."""
        self.outcomes[record.outcome] += 1
        first = record.first_attempt
        self.first_attempts[record.outcome if first is None else Outcome(str(first[KEYS["outcome"]]))] += 1
        self.sent_again += first is not None
        self.buffered += is_buffered(record)
        self._count_tokens(record.completion_tokens)
        self.lateness.append(record.send - record.intended)
        for name, measure in MEASURES.items():
            value = measure(record)
            if value is not None:
                self.values[name].append(value)
        self._span(record.intended, record.end)

    def merge(self, other: "Group") -> None:
        """Adds another group."""
        self.outcomes += other.outcomes
        self.first_attempts += other.first_attempts
        self.sent_again += other.sent_again
        self.buffered += other.buffered
        self._count_tokens(other.tokens)
        self.lateness.extend(other.lateness)
        for name, values in self.values.items():
            values.extend(other.values[name])
        if other.began is not None and other.ended is not None:
            self._span(other.began, other.ended)

    def row(self) -> dict[str, Any]:
        """The row of a summary; tokens per second are over the time from the first intended request to the last end."""
        requests = self.outcomes.total()
        good = self.outcomes[Outcome.SUCCESS]
        seconds = 0.0 if self.began is None or self.ended is None else (self.ended - self.began) / 1e6
        pace = None if self.tokens is None or not seconds else round(self.tokens / seconds, 3)
        return {
            "requests": requests,
            "successPercent": round(100 * good / requests, PERCENT_DECIMALS) if requests else None,
            "outcomes": _counts(self.outcomes),
            "firstAttempts": _counts(self.first_attempts) if self.sent_again else None,
            "bufferedStreams": self.buffered,
            "completionTokens": self.tokens,
            "completionTokensPerSecond": pace,
            "lateness": quantiles(self.lateness),
            **{name: quantiles(values) for name, values in self.values.items()},
        }

    def _count_tokens(self, tokens: int | None) -> None:
        """Tokens that no server counted are None, not 0."""
        if tokens is not None:
            self.tokens = tokens if self.tokens is None else self.tokens + tokens

    def _span(self, began: int, ended: int) -> None:
        self.began = began if self.began is None else min(self.began, began)
        self.ended = ended if self.ended is None else max(self.ended, ended)


def _counts(outcomes: Counter[Outcome]) -> dict[str, int]:
    return {outcome.value: outcomes[outcome] for outcome in Outcome if outcomes[outcome]}


class Results:
    """Takes records in any order."""

    def __init__(self) -> None:
        self.tally = CheckTally()
        self._groups: dict[tuple[str, str], Group] = {}

    def add(self, record: RequestRecord) -> None:
        """Adds one record."""
        group = self._groups.get((record.stage, record.task))
        if group is None:
            group = self._groups[record.stage, record.task] = Group()
        group.add(record)
        if record.checks:
            self.tally.add(record.stage, record.task, record.checks)

    def document(self, start: int) -> dict[str, Any]:
        """`total`, and `stages` with their `tasks` in the order of their first requests; seconds count from `start`."""
        stages: dict[str, list[tuple[str, Group]]] = {}
        for (stage, task), group in sorted(self._groups.items(), key=lambda item: item[1].began or 0):
            stages.setdefault(stage, []).append((task, group))
        rows = [_stage(name, tasks, start) for name, tasks in stages.items()]
        return {"total": _combined(list(self._groups.values())).row(), "stages": rows}


def _stage(name: str, tasks: Sequence[tuple[str, Group]], start: int) -> dict[str, Any]:
    whole = _combined([group for _, group in tasks])
    return {
        "stage": name,
        "firstSecond": None if whole.began is None else round((whole.began - start) / 1e6, 3),
        "lastSecond": None if whole.ended is None else round((whole.ended - start) / 1e6, 3),
        **whole.row(),
        "tasks": [{"task": task, **group.row()} for task, group in sorted(tasks, key=lambda item: item[0])],
    }


def _combined(groups: Sequence[Group]) -> Group:
    whole = Group()
    for group in groups:
        whole.merge(group)
    return whole
