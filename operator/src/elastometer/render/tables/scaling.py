"""What each scale-out brought, and the starts of a run by what they had to fetch."""
from __future__ import annotations

from collections.abc import Callable, Mapping

from elastometer.model.estimates import Difference
from elastometer.model.first_starts import Fetched, StartKind
from elastometer.model.report import Report
from elastometer.model.scaleout_gains import BeforeAfter, Errors, Gain, GainWindow, ScaleOutGain
from elastometer.model.start_class import Presence
from elastometer.model.story import Anchor
from elastometer.render.tables.table import Cell, Row, Table, TableSection
from elastometer.render.wording import numbers

GAIN_HEAD = ("Replicas", "Decided", "Before", "After", "Served/s", "Mean latency", "p95", "CPU per replica",
             "Not served", "Held again after", "It brought", "Beside it")
GAIN_WORDS: Mapping[Gain, str] = {
    Gain.GAINED: "a gain", Gain.NOTHING: "nothing", Gain.CANNOT_TELL: "cannot tell"}
START_HEAD = ("Image", "Weights", "Compiled graphs", "Starts", "Median", "Least", "Most", "Never Ready",
              "What makes the difference")
_IMAGE: Mapping[Presence, str] = {Presence.PRESENT: "was there", Presence.ABSENT: "had to be pulled"}
_WEIGHTS: Mapping[Presence, str] = {
    Presence.PRESENT: "read or cached", Presence.ABSENT: "had to be downloaded",
    Presence.NOT_NEEDED: "random, not read"}
_COMPILED: Mapping[Presence, str] = {
    Presence.PRESENT: "cached", Presence.ABSENT: "had to be compiled", Presence.NOT_NEEDED: "not needed"}
UNKNOWN = "not known"
Written = Callable[[float | None], str]


def scale_out_gains(report: Report) -> TableSection | None:
    """None without a scale-out."""
    if not report.scale_out_gains:
        return None
    rows = tuple(map(_gain_row, report.scale_out_gains))
    table = Table("scale-out-gains-rows", GAIN_HEAD, rows, words=frozenset({10, 11}), noun="scale-outs")
    return TableSection(
        Anchor.SCALE_OUT_GAINS, "What each scale-out brought", (table,),
        "requests by when they ended; differences with intervals at 95 %",
        remarks=(
            "Each cell has the value in the window before the decision and in the one after the last new Pod served, "
            "and the difference of the two.",
            "A gain is more served per second, or a lower mean latency, beyond noise, which the load alone does not "
            "explain. Nothing was brought where replicas were missing and the intervals leave no room for half of what "
            "replicas in proportion would add."))


def _gain_row(one: ScaleOutGain) -> Row:
    beside = "; ".join(filter(None, (one.reason, *one.notes)))
    together = f"{one.events} scale-outs together" if one.events > 1 else ""
    cells = (
        Cell(f"{one.from_replicas} to {one.to_replicas}", together), Cell(f"{one.decided_seconds:+.0f} s"),
        _window(one.before), _window(one.after), _before_after(one.rate, lambda value: numbers.number(value, 1)),
        _before_after(one.mean_milliseconds, numbers.duration), _before_after(one.p95_milliseconds, numbers.duration),
        _before_after(one.cpu_per_replica, lambda value: numbers.number(value, 2)), _errors(one.errors), _held(one),
        Cell(GAIN_WORDS[one.gain], one.was_needed or ""), Cell(beside or numbers.DASH))
    return Row(cells, is_bad=one.gain is Gain.NOTHING, is_sum=one.events > 1)


def _window(one: GainWindow | None) -> Cell:
    if one is None:
        return Cell(numbers.DASH)
    return Cell(f"{one.start_seconds:.0f} to {one.end_seconds:.0f} s", f"n={one.request_count:,}")


def _before_after(one: BeforeAfter, written: Written) -> Cell:
    if one.before is None and one.after is None:
        return Cell(numbers.DASH, one.reason or "")
    note = _difference(one.difference, written) or one.reason or ""
    return Cell(f"{written(one.before)} → {written(one.after)}", note)


def _difference(one: Difference | None, written: Written) -> str:
    if one is None:
        return ""
    if one.interval is None:
        return f"{_signed(one.value, written)}" + (f", needs n ≥ {one.needs}" if one.needs else "")
    return f"{_signed(one.value, written)}, {_signed(one.interval.low, written)} to " \
           f"{_signed(one.interval.high, written)}"


def _signed(value: float, written: Written) -> str:
    return ("−" if value < 0 else "+") + written(abs(value))


def _errors(one: Errors) -> Cell:
    if one.before is None or one.after is None:
        return Cell(numbers.DASH, one.reason or "")
    before, after = (f"{rate.percent:.1f} %" for rate in (one.before, one.after))
    return Cell(f"{before} → {after}", _difference(one.difference, lambda value: f"{value or 0.0:.1f} points"))


def _held(one: ScaleOutGain) -> Cell:
    if one.held_again_seconds is not None:
        return Cell(f"{one.held_again_seconds:.0f} s")
    return Cell(numbers.DASH, one.held_reason or "")


def first_starts(report: Report) -> TableSection | None:
    """None where no Pod started."""
    if not report.first_starts:
        return None
    rows = tuple(map(_start_row, report.first_starts))
    table = Table("first-starts-rows", START_HEAD, rows, words=frozenset({1, 2, 8}), noun="kinds of starts")
    return TableSection(
        Anchor.FIRST_STARTS, "First and later starts", (table,), "from the creation of the Pod until it is Ready",
        remarks=("Starts are alike if they had to fetch the same; the evidence for each start is under Cold starts. "
                 "The phase named is the one whose median exceeds that of the fastest kind the most.",))


def _start_row(one: StartKind) -> Row:
    first = "with the first of the run" if one.has_first else ""
    return Row((
        *_fetched(one.fetched), Cell(f"{one.count:,}", first),
        Cell(numbers.duration(one.median_milliseconds), one.reason or ""),
        Cell(numbers.duration(one.least_milliseconds)), Cell(numbers.duration(one.most_milliseconds)),
        Cell(f"{one.never_ready:,}"), _phase(one)))


def _fetched(one: Fetched) -> tuple[Cell, Cell, Cell]:
    return (Cell(_IMAGE.get(one.image, UNKNOWN)), Cell(_WEIGHTS.get(one.weights, UNKNOWN)),
            Cell(_COMPILED.get(one.compilation, UNKNOWN)))


def _phase(one: StartKind) -> Cell:
    found = one.difference
    if found is None:
        return Cell(numbers.DASH)
    other = numbers.duration(found.fastest_milliseconds) if found.fastest_milliseconds else "none"
    return Cell(found.label, f"{numbers.duration(found.milliseconds)} here, {other} in the fastest")
