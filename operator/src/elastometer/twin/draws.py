"""Several draws of one test: what randomness alone changes, and the draw that stands for all of them."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from elastometer.model.measurements import Direction
from elastometer.model.prediction_basis import DrawnFigure, DrawRange
from elastometer.model.report import Report, Verdict

# The name and unit of each number, and where it is in a report.
_NUMBERS: tuple[tuple[DrawnFigure, str, Callable[[Report], float | None]], ...] = (
    (DrawnFigure.FIRST_TOKEN, "ms", lambda report: report.summary.time_to_first_token_p95_milliseconds),
    (DrawnFigure.SCALE_OUT_LAG, "ms", lambda report: report.summary.scale_out_lag_milliseconds),
    (DrawnFigure.COLD_START, "ms", lambda report: report.summary.cold_start_milliseconds),
    (DrawnFigure.FIRST_SCALE_OUT, "ms", lambda report: _first_scale_out(report)),
    (DrawnFigure.SCALE_OUTS, "", lambda report: report.summary.scale_out_count),
    (DrawnFigure.SCALE_INS, "", lambda report: report.summary.scale_in_count),
    (DrawnFigure.PEAK_READY, "", lambda report: report.summary.peak_ready_replicas),
    (DrawnFigure.REQUESTS, "", lambda report: report.summary.request_count),
    (DrawnFigure.NOT_SERVED, "", lambda report: report.summary.failed_request_count),
    (DrawnFigure.REPLICA_SECONDS, "s", lambda report: report.price.paid_replica_seconds if report.price else None),
    (DrawnFigure.GPU_SECONDS, "", lambda report: report.price.paid_gpu_seconds if report.price else None),
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The verdict and the main numbers of one draw; the numbers are in the order of `_NUMBERS`. `objectives` has what
    each reached, and whether it was met; `knees` has the last good step of the search of each stage, None if none was.
    """

    seed: int
    verdict: Verdict
    numbers: tuple[float | None, ...]
    objectives: tuple[tuple[float | None, bool], ...] = ()
    knees: tuple[tuple[str, int | None], ...] = ()


def drawn(seed: int, report: Report) -> Drawn:
    """The main numbers of one draw."""
    reached = tuple((one.measured, one.verdict is Verdict.PASS) for one in report.objectives)
    knees = tuple((one.stage, one.good) for one in report.knees)
    return Drawn(seed, report.verdict, tuple(number(report) for _, _, number in _NUMBERS), reached, knees)


def _first_scale_out(report: Report) -> float | None:
    return next((1000 * event.seen.seconds for event in report.scale_events if event.direction == Direction.OUT), None)


def median_draw(draws: Sequence[Drawn]) -> Drawn:
    """The draw with the median TTFT p95 (the lower one of an even number); a draw without it counts as the slowest."""
    def slowness(draw: Drawn) -> tuple[float, int]:
        p95 = draw.numbers[0]
        return (float("inf") if p95 is None else p95, draw.seed)
    return sorted(draws, key=slowness)[(len(draws) - 1) // 2]


def intervals(draws: Sequence[Drawn]) -> tuple[DrawRange, ...]:
    """The span and median of each number over the draws that have it, and those of the last good step of each Knee."""
    found = [_interval(name, unit, [value for draw in draws if (value := draw.numbers[index]) is not None])
             for index, (name, unit, _) in enumerate(_NUMBERS)]
    for stage, _ in draws[0].knees:
        good = [float(value) for draw in draws if (value := dict(draw.knees).get(stage)) is not None]
        found.append(_interval(f"Last good step of {stage}", "", good))
    return tuple(found)


def _interval(name: str, unit: str, values: list[float]) -> DrawRange:
    if not values:
        return DrawRange(name, unit, None, None, None)
    return DrawRange(name, unit, min(values), median(values), max(values))


def with_ranges(report: Report, draws: Sequence[Drawn]) -> Report:
    """The report of one draw in which each objective says what it reached in all draws, and in how many it is met."""
    if len(draws) < 2:
        return report
    objectives, message = [], report.verdict_message
    for number, one in enumerate(report.objectives):
        said = one.message + _over(draws, number, one.unit)
        objectives.append(replace(one, message=said))
        message = message.replace(one.message, said)
    return replace(report, objectives=tuple(objectives), verdict_message=message)


def _over(draws: Sequence[Drawn], number: int, unit: str) -> str:
    reached = [value for draw in draws if (value := draw.objectives[number][0]) is not None]
    met = sum(draw.objectives[number][1] for draw in draws)
    digits = 2 if unit == "%" else 0
    span = f"{min(reached):,.{digits}f} to {max(reached):,.{digits}f} {unit}, " if reached else ""
    return f"; over {len(draws)} draws {span}met in {met}"


def verdict_counts(draws: Iterable[Drawn]) -> Iterator[tuple[Verdict, int]]:
    """How many draws ended with each verdict, in the order of the verdicts."""
    found = [draw.verdict for draw in draws]
    return ((verdict, found.count(verdict)) for verdict in Verdict if verdict in found)
