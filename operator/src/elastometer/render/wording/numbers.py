"""Numbers as people read them. What was not measured is shown as a dash, never as zero."""
from __future__ import annotations

import re
from collections.abc import Sequence

from elastometer.model import in_words
from elastometer.model.load_rows import LoadRow
from elastometer.model.measurements import Duration, Stamp
from elastometer.model.prediction_basis import DrawnFigure, DrawRange, PredictionBasis
from elastometer.model.report import Report, Summary

DASH = "–"
_SMALL = {"n": 1e-9, "u": 1e-6, "m": 1e-3}
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([num]|[KMGTPE]i)")
# Quantities follow a space; a metric's name, which may end like one, stands at the beginning of its line.
_IN_LINE = re.compile(rf"(?<= ){_QUANTITY.pattern}(?=[ )]|$)")


def duration(milliseconds: float | None) -> str:
    """To three significant digits; a dash where it was not measured."""
    return DASH if milliseconds is None else in_words.duration(milliseconds)


def figure(value: Duration | None) -> str:
    """The duration with its ±, or a lower bound if that is all, with the reason why there is no more."""
    if value is None:
        return DASH
    if value.milliseconds is not None:
        plus_minus = f" ± {duration(value.plus_minus_milliseconds)}" if value.plus_minus_milliseconds else ""
        why = value.reason or value.note
        return duration(value.milliseconds) + plus_minus + (f" ({why})" if why else "")
    bound = f"at least {duration(value.at_least_milliseconds)}" if value.at_least_milliseconds is not None else DASH
    return f"{bound} ({value.reason})" if value.reason else bound


def instant(seconds: float | None) -> str:
    """Seconds from the start of the load, with its sign."""
    return DASH if seconds is None else f"{seconds:+.3f} s"


def stamp(value: Stamp | None) -> str:
    """An instant with its source and its resolution."""
    if value is None:
        return DASH
    exactness = "" if value.resolution_milliseconds is None else f", ± {duration(value.resolution_milliseconds)}"
    return f"{instant(value.seconds)} ({value.source.value}{exactness})"


def spread(milliseconds: float, plus_minus_milliseconds: float | None) -> str:
    """A duration with its ±, if it has one."""
    exactness = "" if plus_minus_milliseconds is None else f" ± {duration(plus_minus_milliseconds)}"
    return duration(milliseconds) + exactness


def verdict(report: Report) -> str:
    """The verdict as in the title."""
    return report.verdict.value if report.predicted is None else f"Predicted: {report.verdict.value}"


def basis_rows(basis: PredictionBasis) -> list[tuple[str, str]]:
    """(what, its source) for everything that a prediction is based on."""
    seed = f"seed {basis.seed}" if basis.draws == 1 else \
        f"seed {basis.seed}, the draw with the median TTFT p95 of {basis.draws}"
    return [
        ("Predicted by", basis.tool), ("Capacity of a replica", basis.capacity), ("Cold starts", basis.cold_starts),
        ("Autoscaler", basis.autoscaler), ("Random draw", seed),
        *([("Verdicts", counts(basis.verdicts))] if basis.draws > 1 else []),
        *((f"{one.name}, {basis.draws} draws", interval(one)) for one in basis.intervals),
        *(("Assumed", one) for one in basis.assumptions),
    ]


def interval(one: DrawRange) -> str:
    """Median and range over all draws."""
    if one.low is None or one.high is None:
        return DASH
    shown = duration if one.unit == "ms" else lambda value: number(value, 0, one.unit and f" {one.unit}")
    return f"{shown(one.median)}, from {shown(one.low)} to {shown(one.high)}"


def over_draws(basis: PredictionBasis | None, figure: DrawnFigure) -> str:
    """`17.0 s to 22.6 s over 10 draws` beside a predicted figure; nothing beside one that was measured."""
    found = None if basis is None else basis.range_of(figure)
    if basis is None or found is None:
        return ""
    shown = duration if found.unit == "ms" else number
    return f"{shown(found.low)} to {shown(found.high)} over {basis.draws} draws"


def beside(text: str, basis: PredictionBasis | None, figure: DrawnFigure) -> str:
    """The figure, with its range over the draws in brackets if it is predicted."""
    span = over_draws(basis, figure)
    return f"{text} ({span})" if span else text


def number(value: float | None, digits: int = 0, unit: str = "") -> str:
    """A number with thousands separators."""
    return DASH if value is None else f"{value:,.{digits}f}{unit}"


def quantity(text: str) -> str:
    """A quantity of Kubernetes as people read it: 9333m is 9.33, 24632892Ki is 23.5 Gi; any other text as it is."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return text
    amount, suffix = float(match.group(1)), match.group(2)
    if suffix in _SMALL:
        value = amount * _SMALL[suffix]
        return f"{value:.3g}" if value < 100 else f"{value:,.1f}".removesuffix(".0")
    size, power = amount, _BINARY.index(suffix)
    while size >= 1024 and power < len(_BINARY) - 1:
        size, power = size / 1024, power + 1
    return f"{size:.3g} {_BINARY[power]}" if size < 1000 else f"{size:.0f} {_BINARY[power]}"


def metric(line: str) -> str:
    """A metric as the autoscaler saw it, with its quantities as people read them."""
    return _IN_LINE.sub(lambda match: quantity(match.group()), line)


def counts(values: object) -> str:
    """Outcome classes with their counts."""
    if not isinstance(values, dict) or not values:
        return DASH
    return ", ".join(f"{name} {count}" for name, count in values.items())


def was_sent_again(rows: Sequence[LoadRow]) -> bool:
    """Whether any request was sent again, so that success at the first attempt and in the end differ."""
    return any(row.sent_again for row in rows)


def headline(summary: Summary, basis: PredictionBasis | None = None) -> list[tuple[str, str]]:
    """The summary as (what, value); predicted values with their range over the draws."""
    failed, requests = summary.failed_request_count, summary.request_count
    wrong, judged = summary.failed_answer_count, summary.judged_answer_count
    lost, waking = summary.wake_failed_request_count, summary.wake_request_count
    return [
        ("Peak Ready replicas", beside(number(summary.peak_ready_replicas), basis, DrawnFigure.PEAK_READY)),
        ("Scale-outs / scale-ins",
         f"{beside(number(summary.scale_out_count), basis, DrawnFigure.SCALE_OUTS)} / "
         f"{beside(number(summary.scale_in_count), basis, DrawnFigure.SCALE_INS)}"),
        ("Scale-out lag, median",
         beside(duration(summary.scale_out_lag_milliseconds), basis, DrawnFigure.SCALE_OUT_LAG)),
        ("Cold start, median", beside(duration(summary.cold_start_milliseconds), basis, DrawnFigure.COLD_START)),
        ("Time to first token, p95",
         beside(duration(summary.time_to_first_token_p95_milliseconds), basis, DrawnFigure.FIRST_TOKEN)),
        ("Requests not served", DASH if requests is None else
         f"{beside(number(failed), basis, DrawnFigure.NOT_SERVED)} of "
         f"{beside(number(requests), basis, DrawnFigure.REQUESTS)}"),
        *([] if waking is None else [
            ("Wake from 0, first request to first token", duration(summary.wake_milliseconds)),
            ("Requests during a wake, not served", f"{number(lost)} of {number(waking)}")]),
        *([] if judged is None else [("Answers that failed a check", f"{number(wrong)} of {number(judged)} judged")]),
    ]
