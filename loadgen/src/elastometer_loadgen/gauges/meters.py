"""What a running worker counts for Prometheus, and the text of a scrape: format 0.0.4, durations in seconds.

The text is written here and not by prometheus_client, whose import takes 160 ms of the half second in which a worker
has to be ready, and which holds up the event loop for 26 ms to write 1,700 lines (this module: 0.9 ms).
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator

from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.wire.exchange import Exchange

# Upper bounds in seconds: a first token takes tens of milliseconds on an idle server and minutes in a queue.
FIRST_TOKEN_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
LATENCY_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0)
Label = tuple[str, str]


class Histogram:
    """Durations of one stage and task; the last of `counts` holds what is beyond every bound."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """A bound belongs to the bucket below it."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds


class _Counts:
    """What is counted of one stage and task."""

    __slots__ = ("ended", "first_token", "latency", "sent")

    def __init__(self) -> None:
        self.sent = 0
        self.ended: dict[Outcome, int] = {}
        self.first_token = Histogram(FIRST_TOKEN_BOUNDS)
        self.latency = Histogram(LATENCY_BOUNDS)


class Meters:
    """Counts of this incarnation of the worker; durations count from the intended time, as in the summary."""

    def __init__(self) -> None:
        self._counts: dict[Label, _Counts] = {}
        self.offered: Callable[[], int] = int
        self.late: Callable[[], int] = int
        self.in_flight: Callable[[], int] = int

    def note_sent(self, stage: str, task: str) -> None:
        """A request was sent."""
        self._of(stage, task).sent += 1

    def note_ended(self, exchange: Exchange) -> None:
        """A request is over."""
        outcome, end = exchange.outcome, exchange.end_at
        if outcome is None or end is None:
            return
        counts = self._of(exchange.arrival.stage, exchange.prompt.task)
        counts.ended[outcome] = counts.ended.get(outcome, 0) + 1
        first = exchange.answer.first_token_at
        if first is not None:
            counts.first_token.add(first - exchange.intended_at)
        if outcome is Outcome.SUCCESS:
            counts.latency.add(end - exchange.intended_at)

    def _of(self, stage: str, task: str) -> _Counts:
        counts = self._counts.get((stage, task))
        if counts is None:
            counts = self._counts[stage, task] = _Counts()
        return counts

    def text(self) -> str:
        """All metrics, for one scrape."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield from _head("offered_total", "counter", "Requests that were due so far.")
        yield f"elastometer_load_offered_total {self.offered()}"
        yield from _head("late_total", "counter", "Requests sent later than latenessBoundMilliseconds.")
        yield f"elastometer_load_late_total {self.late()}"
        yield from _head("in_flight", "gauge", "Requests that were sent and are not over.")
        yield f"elastometer_load_in_flight {self.in_flight()}"
        yield from _head("sent_total", "counter", "Requests sent.")
        for label, counts in self._counts.items():
            yield f"elastometer_load_sent_total{{{_labels(*label)}}} {counts.sent}"
        yield from _head("requests_total", "counter", "Requests that are over, by outcome.")
        for label, counts in self._counts.items():
            for outcome, count in counts.ended.items():
                yield f'elastometer_load_requests_total{{{_labels(*label)},outcome="{outcome}"}} {count}'
        words = "From the intended time to the first token."
        firsts = ((label, counts.first_token) for label, counts in self._counts.items())
        yield from _histograms("time_to_first_token_seconds", words, firsts)
        words = "From the intended time to the end, for requests that succeeded."
        latencies = ((label, counts.latency) for label, counts in self._counts.items())
        yield from _histograms("latency_seconds", words, latencies)


def _head(name: str, kind: str, words: str) -> Iterator[str]:
    yield f"# HELP elastometer_load_{name} {words}"
    yield f"# TYPE elastometer_load_{name} {kind}"


def _histograms(name: str, words: str, histograms: Iterable[tuple[Label, Histogram]]) -> Iterator[str]:
    yield from _head(name, "histogram", words)
    for label, histogram in histograms:
        if not any(histogram.counts):
            continue
        labels, below = _labels(*label), 0
        for bound, count in zip((*histogram.bounds, "+Inf"), histogram.counts, strict=True):
            below += count
            yield f'elastometer_load_{name}_bucket{{{labels},le="{bound}"}} {below}'
        yield f"elastometer_load_{name}_sum{{{labels}}} {histogram.total!r}"
        yield f"elastometer_load_{name}_count{{{labels}}} {below}"


def _labels(stage: str, task: str) -> str:
    return f'stage="{_escaped(stage)}",task="{_escaped(task)}"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
