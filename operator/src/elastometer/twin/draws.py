"""Several draws of one test: what randomness alone changes, and the draw that stands for all of them."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from elastometer.model.measurements import Direction
from elastometer.model.prediction_basis import DrawRange
from elastometer.model.report import Report, Verdict

# The name and unit of each number, and where it is in a report.
_NUMBERS: tuple[tuple[str, str, Callable[[Report], float | None]], ...] = (
    ("TTFT p95", "ms", lambda report: report.summary.time_to_first_token_p95_milliseconds),
    ("Scale-out lag", "ms", lambda report: report.summary.scale_out_lag_milliseconds),
    ("First scale-out", "ms", lambda report: _first_scale_out(report)),
    ("Scale-outs", "", lambda report: report.summary.scale_out_count),
    ("Peak Ready replicas", "", lambda report: report.summary.peak_ready_replicas),
    ("Requests not served", "", lambda report: report.summary.failed_request_count),
    ("Replica-seconds", "s", lambda report: report.price.paid_replica_seconds if report.price else None),
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The verdict and the main numbers of one draw; the numbers are in the order of `_NUMBERS`."""

    seed: int
    verdict: Verdict
    numbers: tuple[float | None, ...]


def drawn(seed: int, report: Report) -> Drawn:
    """The main numbers of one draw."""
    return Drawn(seed, report.verdict, tuple(number(report) for _, _, number in _NUMBERS))


def _first_scale_out(report: Report) -> float | None:
    return next((1000 * event.seen.seconds for event in report.scale_events if event.direction == Direction.OUT), None)


def median_draw(draws: Sequence[Drawn]) -> Drawn:
    """The draw with the median TTFT p95 (the lower one of an even number); a draw without it counts as the slowest."""
    def slowness(draw: Drawn) -> tuple[float, int]:
        p95 = draw.numbers[0]
        return (float("inf") if p95 is None else p95, draw.seed)
    return sorted(draws, key=slowness)[(len(draws) - 1) // 2]


def intervals(draws: Sequence[Drawn]) -> tuple[DrawRange, ...]:
    """The span and median of each number over the draws that have it."""
    return tuple(
        _interval(name, unit, [value for draw in draws if (value := draw.numbers[index]) is not None])
        for index, (name, unit, _) in enumerate(_NUMBERS)
    )


def _interval(name: str, unit: str, values: list[float]) -> DrawRange:
    if not values:
        return DrawRange(name, unit, None, None, None)
    return DrawRange(name, unit, min(values), median(values), max(values))


def verdict_counts(draws: Iterable[Drawn]) -> Iterator[tuple[Verdict, int]]:
    """How many draws ended with each verdict, in the order of the verdicts."""
    found = [draw.verdict for draw in draws]
    return ((verdict, found.count(verdict)) for verdict in Verdict if verdict in found)
