"""Where the seconds of each change went, as lines for a terminal."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from elastometer.cli.base.text import columns, unbroken, wrapped
from elastometer.model.autoscaler import CAUSE_LABELS, Cause, ScaleAccount
from elastometer.model.measured import Direction
from elastometer.render.wording import numbers
from elastometer.render.wording.autoscaler import change_title, loss_words, whole_words

_BAR_WIDTH = 32
# One mark for each cause, told apart without colour; the legend has those that were drawn.
_MARKS = {
    Cause.METRIC_DELAY: "█", Cause.SYNC_WAIT: "▒", Cause.POLICY: "▓", Cause.STABILIZATION: "░",
    Cause.NO_METRIC: "N", Cause.NO_SCALE: "A", Cause.DISABLED: "D", Cause.TOLERANCE: "T", Cause.MISSING_PODS: "P",
    Cause.PARTIAL_METRICS: "M", Cause.MAXIMUM: "+", Cause.MINIMUM: "-", Cause.UNATTRIBUTED: "?",
}
_TITLES = {Direction.OUT: "Scale-outs, from the need to the decision",
           Direction.IN: "Scale-ins, how long replicas stayed that were not wanted"}
_WIDER = ("A part can have a wider ± than the whole: two parts share a moment that is known to the query's step only. "
          "What one of them gains there the other loses, so the whole does not depend on it.")


def change_lines(changes: Sequence[ScaleAccount]) -> Iterator[str]:
    """A table for each direction; below both, once, what the marks of bars and reasons mean."""
    reasons = {one.whole.reason: number for number, one in enumerate(
        {one.whole.reason: one for one in changes if one.whole.reason is not None}.values(), 1)}
    for direction, title in _TITLES.items():
        mine = [one for one in changes if one.direction == direction]
        if mine:
            yield from ("", f"{title}:")
            yield from _table(mine, reasons)
    yield from _legend(changes)
    for reason, number in reasons.items():
        yield from wrapped(f"[{number}] {reason}", "  ", "    ")


def _table(changes: Sequence[ScaleAccount], reasons: Mapping[str | None, int]) -> Iterator[str]:
    longest = max(_seconds(one) for one in changes) or 1.0
    rows = columns([change_title(one), numbers.instant(one.written_seconds), whole_words(one), _bar(one, longest)]
                   for one in changes)
    for one, row in zip(changes, rows, strict=True):
        yield row
        yield from wrapped(_parts(one, reasons.get(one.whole.reason)), "      ", "  ")


def _seconds(one: ScaleAccount) -> float:
    return sum(loss.milliseconds or 0.0 for loss in one.losses)


def _bar(one: ScaleAccount, longest: float) -> str:
    return "".join(_MARKS[loss.cause] * max(1, round(_BAR_WIDTH * loss.milliseconds / longest))
                   for loss in one.losses if loss.milliseconds)


def _parts(one: ScaleAccount, mark: int | None) -> str:
    known = ", ".join(unbroken(f"{loss.label} {loss_words(loss)}") for loss in one.losses if loss.milliseconds)
    labels = " and ".join(loss.label for loss in one.losses if loss.milliseconds is None)
    unknown = "" if mark is None else unbroken(f"{labels or 'parts'} not known [{mark}]")
    return "; ".join(filter(None, (known, unknown))) or "at once"


def _legend(changes: Sequence[ScaleAccount]) -> Iterator[str]:
    drawn = {loss.cause for one in changes for loss in one.losses if loss.milliseconds}
    if drawn:
        yield ""
        marks = (unbroken(f"{_MARKS[cause]} {label}") for cause, label in CAUSE_LABELS.items() if cause in drawn)
        yield from wrapped(f"bars: {', '.join(marks)}", "  ", "  ")
    if any(_is_wider(one) for one in changes):
        yield from wrapped(_WIDER, "  ", "  ")


def _is_wider(one: ScaleAccount) -> bool:
    whole = one.whole.plus_minus_milliseconds
    return whole is not None and any((loss.plus_minus_milliseconds or 0.0) > whole for loss in one.losses)
