"""What is shown during a run: a live panel on a terminal, plain lines elsewhere. It all comes from the status."""
from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TextIO, TypeVar

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from elastometer.cli.base.exits import condition
from elastometer.cli.base.text import columns, printable, seconds_in_words
from elastometer.model.in_words import duration
from elastometer.model.status import ACCEPTED, LOAD_DELIVERED, METRICS_AVAILABLE, REPORT_READY, TARGET_READY

Json = dict[str, Any]
T = TypeVar("T")
# Often enough to see that a run in CI is alive, seldom enough that its log stays readable.
PLAIN_PERIOD_SECONDS = 15.0
# (condition, label)
STEPS = (
    (ACCEPTED, "spec and cluster checked"),
    (TARGET_READY, "first replica ready"),
    (METRICS_AVAILABLE, "autoscaler reads its metric"),
    (LOAD_DELIVERED, "load delivered"),
    (REPORT_READY, "report written"),
)
MARKS = {"True": "✓", "False": "✗"}


@dataclass(frozen=True, slots=True)
class View(Generic[T]):
    """How what is followed is shown: on a terminal, and as the lines that are printed elsewhere."""

    panel: Callable[[T], RenderableType]
    lines: Callable[[TextIO], Callable[[T], None]]


@contextmanager
def with_progress(versions: Iterable[T], stream: TextIO, view: View[T]) -> Iterator[Iterator[T]]:
    """The same versions; each is shown as it passes."""
    console = Console(file=stream, highlight=False)
    if console.is_terminal:
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            yield _each_shown(versions, lambda version: live.update(view.panel(version)))
    else:
        yield _each_shown(versions, view.lines(stream))


def _each_shown(versions: Iterable[T], show: Callable[[T], None]) -> Iterator[T]:
    for version in versions:
        show(version)
        yield version


def panel(test: Json) -> Group:
    """The live view of one version of a test."""
    status = test.get("status") or {}
    name = f"{test['metadata'].get('namespace')}/{test['metadata']['name']}"
    head = Text.assemble((printable(name), "bold"), "  ", printable(status.get("phase") or "Pending"))
    steps = Table.grid(padding=(0, 2))
    for kind, label in STEPS:
        found = condition(status, kind)
        mark: Text | Spinner = Text(MARKS.get(found.get("status", ""), "·"))
        if found.get("status") == "Unknown":
            mark = Spinner("dots")
        detail = "" if found.get("status") == "True" else printable(found.get("message", ""), 160)
        steps.add_row(mark, Text(label), Text(detail, style="dim"))
    now = Text("\n".join(columns(facts(status.get("progress") or {}), indent="")))
    return Group(head, steps, now)


def facts(progress: Json) -> list[tuple[str, str]]:
    """(label, value) of everything that is known now; what is not known has no row."""
    requests, failed = progress.get("requestCount"), progress.get("failedRequestCount")
    users, served, remaining = (progress.get(key) for key in ("users", "servedRequestsPerSecond", "remainingSeconds"))
    rows = (
        ("stage", progress.get("stage")),
        ("replicas", f"{progress['replicas']} ready/desired" if progress.get("replicas") else None),
        ("users", None if users is None else str(users)),
        ("offered", progress.get("load")),
        ("served", f"{served}/s" if served else None),
        ("latency p50", _duration(progress.get("latencyP50Milliseconds"))),
        ("latency p95", _duration(progress.get("latencyP95Milliseconds"))),
        ("TTFT p50", _duration(progress.get("timeToFirstTokenP50Milliseconds"))),
        ("requests", None if requests is None else str(requests)),
        ("failed", None if failed is None else str(failed)),
        ("lost", _lost(progress.get("lost") or ())),
        ("time left", None if remaining is None else _remaining(remaining, progress.get("remainingSecondsAreExact"))),
    )
    return [(label, printable(value)) for label, value in rows if value]


def _remaining(seconds: int, is_exact: bool | None) -> str:
    # An operator of an earlier version does not say whether it is a bound.
    return f"{'at most ' if is_exact is False else ''}{seconds_in_words(seconds)}"


def _duration(milliseconds: float | None) -> str | None:
    return None if milliseconds is None else duration(milliseconds)


def _lost(losses: Iterable[Json]) -> str | None:
    """`ServerError 500: 12, TimedOut: 3`; None without any."""
    ways = (" ".join(str(part) for part in (loss.get("outcome"), loss.get("statusCode")) if part is not None)
            + f": {loss.get('count')}" for loss in losses)
    return ", ".join(ways) or None


class PlainLines:
    """A line on every change of phase, stage, replicas or condition; while only numbers move, one per period."""

    def __init__(self, stream: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._now = now
        self._seen: tuple[object, ...] = ()
        self._conditions: dict[str, tuple[str, str]] = {}
        self._printed_at = float("-inf")

    def show(self, test: Json) -> None:
        """Prints what is new in this version."""
        status = test.get("status") or {}
        for item in status.get("conditions") or ():
            self._condition(item)
        progress = status.get("progress") or {}
        key = (status.get("phase"), progress.get("stage"), progress.get("replicas"))
        due = self._now() - self._printed_at >= PLAIN_PERIOD_SECONDS
        words = "  ".join(f"{label} {value}" for label, value in facts(progress))
        if key != self._seen or (due and words):
            self._print(" ".join(filter(None, (printable(status.get("phase") or "Pending"), words))))
            self._seen, self._printed_at = key, self._now()

    def _condition(self, item: Json) -> None:
        found = (str(item.get("status")), str(item.get("reason")))
        if self._conditions.get(item["type"]) != found:
            self._conditions[item["type"]] = found
            self._print(f"{item['type']}={found[0]} {found[1]}: {printable(item.get('message', ''), 300)}")

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


TEST_VIEW = View(panel, lambda stream: PlainLines(stream).show)
