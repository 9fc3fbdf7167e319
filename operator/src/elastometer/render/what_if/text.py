"""Sentences and error tables of a what-if answer."""
from __future__ import annotations

from elastometer.render.wording import numbers
from elastometer.twin.fit.backtest import Difference, Figures, PredictionError
from elastometer.twin.search.answer.answer import Answer
from elastometer.twin.search.score.cliff import LeastReplicas, in_words

Row = tuple[str, ...]


def headline(answer: Answer) -> str:
    """One line: which run, and how far off the twin is on it."""
    found = answer.prediction_error
    low, high = found.within
    return (f"{answer.run.namespace}/{answer.run.test}, {answer.run.autoscaler}; predicted by the simulator, whose "
            f"curve of Ready replicas is off by {found.typical.ready_percent:.1f} % on this run "
            f"({low:.1f}–{high:.1f} % over {len(found.draws)} random draws)")


def error_rows(found: PredictionError) -> list[Row]:
    """Measured against predicted; the first row is the head."""
    own = found.recorded
    named: list[tuple[str, Difference]] = [*([("recorded draw", own)] if own is not None else []),
                                           ("typical draw", found.typical)]
    head = ("", "measured", *(name for name, _ in named), f"over {len(found.draws)} draws")
    return [head, *_figure_rows(found, named), *_area_rows(found, named)]


def _figure_rows(found: PredictionError, named: list[tuple[str, Difference]]) -> list[Row]:
    rows: list[Row] = []
    for label, name, digits in (("Requests", "requests", 0), ("TTFT p95, s", "first_token_p95", 2),
                                ("First scale-out, s after the load's start", "first_scale_out", 1),
                                ("Scale-outs", "scale_outs", 0), ("Scale-ins", "scale_ins", 0),
                                ("Scale-out lag, median, s", "scale_out_lag", 1),
                                ("Objective-miss seconds", "miss_seconds", 0),
                                ("Ready replica-seconds", "replica_seconds", 0)):
        spread = [value for one in found.draws if (value := _value(one.predicted, name)) is not None]
        over = f"{min(spread):,.{digits}f}–{max(spread):,.{digits}f}" if spread else numbers.DASH
        rows.append((label, numbers.number(_value(found.measured, name), digits),
                     *(numbers.number(_value(one.predicted, name), digits) for _, one in named), over))
    return rows


def _value(figures: Figures, name: str) -> float | None:
    value: float | None = getattr(figures, name)
    return value


def _area_rows(found: PredictionError, named: list[tuple[str, Difference]]) -> list[Row]:
    def row(label: str, name: str) -> Row:
        every = [getattr(one, name) for one in found.draws]
        return (label, numbers.DASH, *(f"{getattr(one, name):.1f} %" for _, one in named),
                f"{min(every):.1f}–{max(every):.1f} %")
    apart, mean = f"{found.draws_apart_percent:.1f} %", f"{found.mean_percent:.1f} %"
    return [row("Error of Ready replicas, area", "ready_percent"),
            row("Error of ordered replicas, area", "desired_percent"),
            ("Error of the mean over all draws, Ready, area", numbers.DASH, *(numbers.DASH for _ in named), mean),
            ("Between two draws, area, median", numbers.DASH, *(numbers.DASH for _ in named), apart)]


def figures_line(answer: Answer) -> str:
    """What a predicted figure is."""
    draws = answer.recorded.interval.draws
    return f"predicted: median (lowest–highest) of {draws} held-out draws, which were not used to choose anything"


def cliff_lines(answer: Answer) -> list[str]:
    """One line per settings, and one for the smallest minReplicas."""
    if answer.least is None:
        return ["no objectives, so there is no cliff (--objective adds one)"]
    return [*(f"{name}: {in_words(found, answer.run.cold_start_seconds)}" for name, found in answer.cliffs),
            _least_line(answer, answer.least)]


def _least_line(answer: Answer, least: LeastReplicas) -> str:
    """The smallest minimum for today's cold start, with what it costs."""
    today = f"today's cold start of {answer.run.cold_start_seconds:.1f} s"
    if least.minimum is None:
        highest = least.tried[-1][0] if least.tried else 0
        return f"no minReplicas up to {highest} holds all objectives at {today}, other settings as recorded"
    cost = next(cost for minimum, _, cost, _ in least.tried if minimum == least.minimum)
    span = "" if least.cost is None else f", {least.cost[0]:,.0f}–{least.cost[1]:,.0f} over the draws"
    unit = "GPU" if answer.run.gpus_per_replica else "replica"
    return (f"smallest minReplicas that holds all objectives at {today}, other settings as recorded: {least.minimum} "
            f"({cost:,.0f} {unit}-seconds{span}; holds in {least.held} of {least.draws} held-out draws)")
