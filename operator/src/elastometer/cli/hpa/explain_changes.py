"""Where the seconds of each change went, as lines for a terminal."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from elastometer.cli.base.text import columns, unbroken, wrapped
from elastometer.model.autoscaler import CAUSE_LABELS, Cause, ScaleAccount
from elastometer.model.measurements import Direction
from elastometer.render.wording import numbers
from elastometer.render.wording.autoscaler import change_title, loss_words, whole_words

_BAR_WIDTH = 32
# One mark for each cause, so that they differ without colour; the legend shows those that were drawn.
_MARKS = {
    Cause.METRIC_DELAY: "█", Cause.SYNC_WAIT: "▒", Cause.POLICY: "▓", Cause.STABILIZATION: "░",
    Cause.NO_METRIC: "N", Cause.NO_SCALE: "A", Cause.DISABLED: "D", Cause.TOLERANCE: "T", Cause.MISSING_PODS: "P",
    Cause.PARTIAL_METRICS: "M", Cause.MAXIMUM: "+", Cause.MINIMUM: "-", Cause.UNATTRIBUTED: "?",
}
_TITLES = {Direction.OUT: "Scale-outs, from the need to the decision",
           Direction.IN: "Scale-ins, from the end of the need to the decision"}
_WIDER = ("A part can have a wider ± than the total: two adjacent parts share an instant that is known only to the "
          "query's step. What one of them gains, the other loses, so the total does not depend on it.")


def change_lines(changes: Sequence[ScaleAccount]) -> Iterator[str]:
    """One table per direction; below them, once, what the marks in the bars and the numbers of the reasons mean."""
    distinct = dict.fromkeys(change.whole.reason for change in changes if change.whole.reason is not None)
    reasons: dict[str | None, int] = {reason: number for number, reason in enumerate(distinct, 1)}
    for direction, title in _TITLES.items():
        same_way = [change for change in changes if change.direction == direction]
        if same_way:
            yield from ("", f"{title}:")
            yield from _table(same_way, reasons)
    yield from _legend(changes)
    for reason, number in reasons.items():
        yield from wrapped(f"[{number}] {reason}", "  ", "    ")


def _table(changes: Sequence[ScaleAccount], reasons: Mapping[str | None, int]) -> Iterator[str]:
    longest = max(_known_milliseconds(change) for change in changes) or 1.0
    rows = columns([change_title(change), numbers.instant(change.written_seconds), whole_words(change),
                    _bar(change, longest)] for change in changes)
    for change, row in zip(changes, rows, strict=True):
        yield row
        yield from wrapped(_parts(change, reasons.get(change.whole.reason)), "      ", "  ")


def _known_milliseconds(change: ScaleAccount) -> float:
    return sum(loss.milliseconds or 0.0 for loss in change.losses)


def _bar(change: ScaleAccount, longest: float) -> str:
    # At least one mark each: a cause that took little time must not look absent.
    return "".join(_MARKS[loss.cause] * max(1, round(_BAR_WIDTH * loss.milliseconds / longest))
                   for loss in change.losses if loss.milliseconds)


def _parts(change: ScaleAccount, mark: int | None) -> str:
    known = ", ".join(unbroken(f"{loss.label} {loss_words(loss)}") for loss in change.losses if loss.milliseconds)
    labels = " and ".join(loss.label for loss in change.losses if loss.milliseconds is None)
    unknown = "" if mark is None else unbroken(f"{labels or 'parts'} not known [{mark}]")
    return "; ".join(filter(None, (known, unknown))) or "at once"


def _legend(changes: Sequence[ScaleAccount]) -> Iterator[str]:
    drawn = {loss.cause for change in changes for loss in change.losses if loss.milliseconds}
    if drawn:
        yield ""
        marks = (unbroken(f"{_MARKS[cause]} {label}") for cause, label in CAUSE_LABELS.items() if cause in drawn)
        yield from wrapped(f"bars: {', '.join(marks)}", "  ", "  ")
    if any(_has_wider_part(change) for change in changes):
        yield from wrapped(_WIDER, "  ", "  ")


def _has_wider_part(change: ScaleAccount) -> bool:
    whole = change.whole.plus_minus_milliseconds
    return whole is not None and any((loss.plus_minus_milliseconds or 0.0) > whole for loss in change.losses)
