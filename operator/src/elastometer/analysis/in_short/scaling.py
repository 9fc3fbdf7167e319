"""Whether the service was healthy, whether scaling helped, how long starts take, and what warm spares would bring."""
from __future__ import annotations

from elastometer.model.first_starts import LIKE_MILLISECONDS
from elastometer.model.health import HealthPart, HealthRow, HealthState
from elastometer.model.in_short import InShort, Question
from elastometer.model.in_words import duration, plural
from elastometer.model.report import Report
from elastometer.model.scaleout_gains import Gain, ScaleOutGain
from elastometer.model.story import Anchor
from elastometer.model.what_if import PredictedRow

_HEALTH_NAMES = {HealthPart.SUCCESS: "requests served", HealthPart.MEAN: "mean latency",
                 HealthPart.P99: "p99 of latency", HealthPart.RATE: "served rate"}


def health(report: Report) -> InShort | None:
    """None for a test without the preset."""
    rows = report.health
    if not rows:
        return None
    where = "" if rows[0].stage is None else f" in '{rows[0].stage}'"
    bad = [row for row in rows if row.state in (HealthState.BETWEEN, HealthState.ABNORMAL)]
    open_rows = [row for row in rows if row.state is HealthState.NOT_JUDGED]
    if not bad and open_rows:
        named = ", ".join(_HEALTH_NAMES[row.part] for row in open_rows)
        return InShort(Question.HEALTH, f"Whether the service was healthy{where} is not known", Anchor.HEALTH,
                       f"{named}: {open_rows[0].reason or 'not judged'}")
    if not bad:
        shown = "; ".join(_measure(row) for row in rows)
        return InShort(Question.HEALTH, f"The service was healthy{where}: {shown}", Anchor.HEALTH)
    worst = [row for row in bad if row.state is HealthState.ABNORMAL]
    between = [row for row in bad if row not in worst]
    state = "abnormal" if worst else "neither healthy nor abnormal"
    text = f"The service was {state}{where}: {'; '.join(map(_measure, worst or between))}"
    if worst and between:
        text += f"; between healthy and abnormal: {'; '.join(map(_measure, between))}"
    return InShort(Question.HEALTH, text, Anchor.HEALTH)


def _measure(row: HealthRow) -> str:
    name = _HEALTH_NAMES[row.part]
    if row.word is not None:
        name = f"{name} {row.word}"
    around = "" if row.interval is None else f" ({_value(row, row.interval.low)} to {_value(row, row.interval.high)})"
    value = "" if row.measured is None else f" {_value(row, row.measured)}"
    varies = " varies by" if row.part is HealthPart.RATE and row.word is None else ""
    return f"{name}{varies}{value}{around}"


def _value(row: HealthRow, value: float) -> str:
    return duration(value) if row.unit == "ms" else f"{value:.4g} %"


def scaling(report: Report) -> InShort | None:
    """None where nothing could scale: a run that could and did not says so itself."""
    found = report.scale_out_gains
    if not found:
        return None
    single = [one for one in found if one.events == 1]
    gained = [one for one in single if one.gain is Gain.GAINED]
    nothing = [one for one in single if one.gain is Gain.NOTHING]
    if not gained and not nothing:
        why = next((one.reason for one in found if one.reason), "the intervals are too wide, or nothing was missing")
        return InShort(Question.SCALING, f"It scaled out {_times(len(single))}; what that brought is not known",
                       Anchor.SCALE_OUT_GAINS, why)
    best = max(gained or nothing, key=lambda one: one.rate.difference.value if one.rate.difference else 0.0)
    counts = f"{len(gained)} brought a gain" + (f" and {len(nothing)} nothing" if nothing else "")
    return InShort(Question.SCALING, f"It scaled out {_times(len(single))}, of which {counts}; {_rate(best)}",
                   Anchor.SCALE_OUT_GAINS)


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _rate(one: ScaleOutGain) -> str:
    found = one.rate.difference
    if found is None:
        return f"of {one.from_replicas} to {one.to_replicas} the rate is not known"
    around = "" if found.interval is None else f" ({found.interval.low:+.1f} to {found.interval.high:+.1f})"
    return f"{one.from_replicas} to {one.to_replicas} replicas: {found.value:+.1f} requests/s{around}"


def starts(report: Report) -> InShort | None:
    """None where no Pod started."""
    known = [one for one in report.first_starts if one.median_milliseconds is not None]
    if not report.first_starts:
        return None
    if not known:
        return InShort(Question.STARTS, "How long a start takes is not known", Anchor.FIRST_STARTS,
                       "a Pod that became Ready while it was watched")
    fastest = min(known, key=lambda one: one.median_milliseconds or 0.0)
    slowest = max(known, key=lambda one: one.median_milliseconds or 0.0)
    if (slowest.median_milliseconds or 0.0) - (fastest.median_milliseconds or 0.0) < LIKE_MILLISECONDS:
        least = min(one.least_milliseconds or 0.0 for one in known)
        most = max(one.most_milliseconds or 0.0 for one in known)
        count = sum(one.count for one in known)
        span = f"{duration(least)} to {duration(most)} ({plural(count, 'start')})"
        text = f"A start took {span}, the first like the others"
        return InShort(Question.STARTS, text if count > 1 else f"The only start took {duration(least)}",
                       Anchor.FIRST_STARTS)
    why = "" if slowest.difference is None else f", by its {slowest.difference.label}"
    first = "The first start" if slowest.has_first and slowest.count == 1 else "The slowest kind of start"
    return InShort(Question.STARTS, (
        f"{first} took {duration(slowest.median_milliseconds or 0.0)}{why}; the fastest kind took "
        f"{duration(fastest.median_milliseconds or 0.0)} (median of {fastest.count})"), Anchor.FIRST_STARTS)


def warm_spares(report: Report) -> InShort | None:
    """None where nothing scales, and where nothing is missed that more replicas could save."""
    found = report.warm_spares
    if found is None:
        return None
    if found.reason is not None:
        return InShort(Question.WARM_SPARES, "What replicas held ready would bring is not known",
                       Anchor.WARM_SPARES, found.reason)
    known = [(row, row.miss_seconds) for row in found.rows if row.miss_seconds is not None]
    if not known or not known[0][1].measured:
        return None
    best, missed = min(known, key=lambda one: (one[1].predicted, int(one[0].name)))
    recorded = next((one.predicted for row, one in known if row.name == str(found.recorded_minimum)), missed.measured)
    unit = "GPU-seconds" if found.has_gpus else "replica-seconds"
    # What was missed and the twin does not see under the recorded settings is no saving, as in the story's advice.
    if min(missed.measured, recorded) - missed.predicted > missed.plus_minus:
        return InShort(Question.WARM_SPARES, _spares(best, unit), Anchor.WARM_SPARES)
    most = max(int(row.name) for row, _ in known)
    return InShort(Question.WARM_SPARES, (
        f"No minimum of up to {plural(most, 'replica')} is predicted to save more than the twin's own error "
        f"(± {missed.plus_minus:.0f} objective-miss seconds, where {missed.measured:.0f} were measured)"),
        Anchor.WARM_SPARES)


def _spares(best: PredictedRow, unit: str) -> str:
    missed, cost = best.miss_seconds, best.cost
    text = f"With at least {plural(int(best.name), 'replica')} "
    if missed is not None:
        text += (f"{missed.predicted:.0f} ± {missed.plus_minus:.0f} objective-miss seconds are predicted, where "
                 f"{missed.measured:.0f} were measured")
    return text if cost is None else f"{text}, for {cost.predicted:,.0f} {unit} in place of {cost.measured:,.0f}"
