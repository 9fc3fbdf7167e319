"""The autoscaler in pictures: its chart on the time axis of the run, and the lost seconds as stacked bars."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from elastometer.model.autoscaler import CAUSE_LABELS, AutoscalerAccount, Cause, Loss, ScaleAccount, SyncRow
from elastometer.model.measurements import Direction, Timeline
from elastometer.render.charts import Column, value_at
from elastometer.render.downsample import COLUMNS, kept_points
from elastometer.render.many import MANY, Search
from elastometer.render.shapes import Bar, Strip, Strips, fits, ticks
from elastometer.render.wording import autoscaler, numbers
from elastometer.render.wording.autoscaler import change_title, loss_words

# A constraint shorter than this share of the whole axis is drawn and has no entry in the legend.
_LEGEND_SHARE = 1 / 200
# Beyond this many rows of syncs the page shows those that did something, and a search over all.
SYNCS_SHOWN = 120
SYNC_HEAD = ("At", "Syncs", "Spec", "Ready", "Metric of target", "From wanted to desired", "Desired", "Limited by",
             "As the live controller")


AUTOSCALER_FILTERS: dict[str, Callable[..., str]] = {
    "change": autoscaler.change_title, "whole": autoscaler.whole_words, "held": autoscaler.held_words,
    "took": autoscaler.loss_words, "readings": autoscaler.readings_words,
    "way": autoscaler.way_words, "binding": autoscaler.binding_words,
    "agrees": autoscaler.agreement_words,
}


def autoscaler_values(found: AutoscalerAccount) -> dict[str, object]:
    """What the section's template needs in addition to the report."""
    shown = changes_shown(found.changes)
    return {
        "sync_rows": rows_shown(found.rows), "changes": shown,
        "fidelity": autoscaler.fidelity_sentence(found.fidelity), "bound": bound_legend(found),
        "syncs": autoscaler.sync_count(found.rows),
        # The seconds of scale-outs are bars of their waterfalls.
        "losses": [("Scale-ins: how long replicas that were no longer wanted stayed",
                    loss_strips(shown, Direction.IN))],
    }


def sync_searches(found: AutoscalerAccount) -> dict[str, Search]:
    """The search over all rows of syncs, by its id; none where each row is shown."""
    if len(found.rows) <= SYNCS_SHOWN:
        return {}
    return {"syncs": Search("syncs", "rows of syncs", SYNC_HEAD, tuple(
        (numbers.instant(row.seconds), str(row.count), str(row.spec), str(row.ready), autoscaler.readings_words(row),
         autoscaler.way_words(row), str(row.desired), autoscaler.binding_words(row), autoscaler.agreement_words(row))
        for row in found.rows))}


def rows_shown(rows: Sequence[SyncRow]) -> list[SyncRow]:
    """Every row, or of many those that changed the replicas and those that the replay does not reproduce, in order."""
    if len(rows) <= SYNCS_SHOWN:
        return list(rows)
    changed = [index for index, row in enumerate(rows) if row.desired != row.spec]
    missed = [index for index, row in enumerate(rows) if row.agrees is False]
    return [rows[index] for index in sorted({*changed[:SYNCS_SHOWN // 2], *missed[:SYNCS_SHOWN // 2]})]


def changes_shown(changes: Sequence[ScaleAccount]) -> list[ScaleAccount]:
    """Every change, or of many those that took longest, in order."""
    longest = sorted(changes, key=lambda one: (-_seconds(one), one.number))[:MANY]
    return sorted(longest, key=lambda one: one.number)


def autoscaler_chart(found: AutoscalerAccount, line: Timeline) -> dict[str, object]:
    """Columns x, wanted, raw, desired, Ready; the binding constraint of each sync; the band from minimum to maximum."""
    rows = found.rows
    ends = {max(row.until_seconds or row.seconds for row in rows)} if rows else set()
    ends |= {line.end_seconds} if rows and line.end_seconds is not None else set()
    times = sorted({row.seconds for row in rows} | {time for time, _ in line.ready} | ends)
    steps = [
        tuple((row.seconds, row.wanted) for row in rows), tuple((row.seconds, row.raw) for row in rows),
        tuple((row.seconds, row.desired) for row in rows), line.ready,
    ]
    curves: list[Column] = [[value_at(one, time) for time in times] for one in steps]
    kept = kept_points(times, curves)
    axis: Column = [times[index] for index in kept]
    columns = [axis, *([curve[index] for index in kept] for curve in curves)]
    return {"columns": columns, "minimum": found.minimum, "maximum": found.maximum,
            "bound": _legible(_bound(rows, line))}


def _bound(rows: Sequence[SyncRow], line: Timeline) -> list[dict[str, Any]]:
    """Intervals of one constraint, from the sync at which it was binding to the first at which it was not."""
    intervals: list[dict[str, Any]] = []
    end = line.end_seconds if line.end_seconds is not None else 0.0
    for index, row in enumerate(rows):
        until = rows[index + 1].seconds if index + 1 < len(rows) else max(end, row.until_seconds or row.seconds)
        last = intervals[-1] if intervals else None
        if row.binding is None:
            continue
        if last is not None and last["cause"] == row.binding.value and last["to"] == row.seconds:
            last["to"] = until
        else:
            intervals.append({"from": row.seconds, "to": until, "cause": row.binding.value,
                           "label": CAUSE_LABELS[row.binding]})
    return intervals


def _legible(intervals: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The intervals, or of more than a strip can show, in each column the constraint that lasted longest there."""
    if len(intervals) <= 2 * COLUMNS:
        return intervals
    first, width = intervals[0]["from"], (intervals[-1]["to"] - intervals[0]["from"]) / COLUMNS
    shares: list[dict[str, float]] = [{} for _ in range(COLUMNS)]
    for one in intervals:
        for column in range(int((one["from"] - first) / width), min(COLUMNS, int((one["to"] - first) / width) + 1)):
            left = first + column * width
            within = min(one["to"], left + width) - max(one["from"], left)
            shares[column][one["cause"]] = shares[column].get(one["cause"], 0.0) + within
    return [{"from": first + column * width, "to": first + (column + 1) * width, "cause": cause,
             "label": CAUSE_LABELS[Cause(cause)]}
            for column, lasted in enumerate(shares) if lasted for cause in [max(lasted, key=lambda one: lasted[one])]]


def bound_legend(found: AutoscalerAccount) -> list[tuple[str, str]]:
    """The constraints that occur, in the order in which they act."""
    seen = {row.binding for row in found.rows}
    return [(cause.value, label) for cause, label in CAUSE_LABELS.items() if cause in seen]


def loss_strips(changes: Sequence[ScaleAccount], direction: Direction) -> Strips:
    """One bar per change of the direction, all on one scale. An unknown part has no length and is named in the text."""
    mine = [one for one in changes if one.direction == direction]
    longest = max((_seconds(one) for one in mine), default=0.0)
    if longest <= 0:
        return Strips((), (), ())
    least = 1000 * longest * _LEGEND_SHARE
    causes = {loss.cause for one in mine for loss in one.losses if (loss.milliseconds or 0.0) > least}
    legend = tuple((_css(cause), label) for cause, label in CAUSE_LABELS.items() if cause in causes)
    return Strips(tuple(_strip(one, longest) for one in mine), ticks(longest), legend)


def _seconds(one: ScaleAccount) -> float:
    return sum(loss.milliseconds or 0.0 for loss in one.losses) / 1000


def _css(cause: Cause) -> str:
    return f"lost-{cause.value}"


def _strip(one: ScaleAccount, longest: float) -> Strip:
    bars: list[Bar] = []
    left = 0.0
    for loss in one.losses:
        if loss.milliseconds:
            seconds = loss.milliseconds / 1000
            bars.append(Bar(_css(loss.cause), loss.label, round(100 * left / longest, 3),
                            round(100 * seconds / longest, 3), fits(loss.label, seconds / longest), _tip(loss)))
            left += seconds
    bound = one.whole.at_least_milliseconds
    total = numbers.duration(one.whole.milliseconds) if bound is None else f"≥ {numbers.duration(bound)}"
    return Strip(change_title(one), f"written at {numbers.instant(one.written_seconds)}", total, one.whole.reason or "",
                 tuple(bars), "")


def _tip(loss: Loss) -> str:
    lines = [f"{loss.label}: {loss_words(loss)}", f"source: {loss.source}"]
    return "\n".join([*lines, loss.reason] if loss.reason else lines)
