"""Several draws of one test: what chance alone changes, and the draw that stands for all."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from elastometer.model.basis import Interval
from elastometer.model.measured import Direction
from elastometer.model.report import Report, Verdict

# name, unit, where it is in a report
_NUMBERS: tuple[tuple[str, str, Callable[[Report], float | None]], ...] = (
    ("TTFT p95", "ms", lambda report: report.summary.time_to_first_token_p95_milliseconds),
    ("Scale-out lag", "ms", lambda report: report.summary.scale_out_lag_milliseconds),
    ("First scale-out", "ms", lambda report: _first_out(report)),
    ("Scale-outs", "", lambda report: report.summary.scale_out_count),
    ("Peak Ready replicas", "", lambda report: report.summary.peak_ready_replicas),
    ("Requests not served", "", lambda report: report.summary.failed_request_count),
    ("Replica-seconds", "s", lambda report: report.price.held_replica_seconds if report.price else None),
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One draw; the numbers in the order of `_NUMBERS`."""

    seed: int
    verdict: Verdict
    numbers: tuple[float | None, ...]


def drawn(seed: int, report: Report) -> Drawn:
    """The main numbers of one draw."""
    return Drawn(seed, report.verdict, tuple(number(report) for _, _, number in _NUMBERS))


def _first_out(report: Report) -> float | None:
    return next((1000 * one.seen.seconds for one in report.scale_events if one.direction == Direction.OUT), None)


def median_draw(draws: Sequence[Drawn]) -> Drawn:
    """The one with the median TTFT p95 (of an even number, the lower); one without it counts as the slowest."""
    def slowness(one: Drawn) -> tuple[float, int]:
        p95 = one.numbers[0]
        return (float("inf") if p95 is None else p95, one.seed)
    return sorted(draws, key=slowness)[(len(draws) - 1) // 2]


def intervals(draws: Sequence[Drawn]) -> tuple[Interval, ...]:
    """Of each number, over the draws that have it."""
    return tuple(
        _interval(name, unit, [value for one in draws if (value := one.numbers[index]) is not None])
        for index, (name, unit, _) in enumerate(_NUMBERS)
    )


def _interval(name: str, unit: str, values: list[float]) -> Interval:
    if not values:
        return Interval(name, unit, None, None, None)
    return Interval(name, unit, min(values), median(values), max(values))


def verdict_counts(draws: Iterable[Drawn]) -> Iterator[tuple[Verdict, int]]:
    """How many draws ended so, in the order of the verdicts."""
    found = [one.verdict for one in draws]
    return ((verdict, found.count(verdict)) for verdict in Verdict if verdict in found)
