"""Health: each measure of the preset with its bounds, what was measured, and what that makes of it."""
from __future__ import annotations

from collections.abc import Mapping

from elastometer.model.health import HealthPart, HealthRow, HealthState
from elastometer.model.report import Report
from elastometer.model.story import Anchor
from elastometer.render.tables.table import Cell, Row, Table, TableSection
from elastometer.render.wording import numbers

HEAD = ("Measure", "Healthy", "Abnormal", "Measured", "n", "It is")
NAMES: Mapping[HealthPart, str] = {
    HealthPart.SUCCESS: "Requests served", HealthPart.MEAN: "Mean latency", HealthPart.P99: "p99 of latency",
    HealthPart.RATE: "Variation of the served rate"}
STATES: Mapping[HealthState, str] = {
    HealthState.HEALTHY: "healthy", HealthState.BETWEEN: "between", HealthState.ABNORMAL: "abnormal",
    HealthState.NOT_JUDGED: "not judged"}


def health(report: Report) -> TableSection | None:
    """None for a test without the preset."""
    if not report.health:
        return None
    presets = dict.fromkeys((row.objective, row.stage) for row in report.health)
    tables = tuple(_table(name, stage, tuple(
        row for row in report.health if row.objective == name)) for name, stage in presets)
    return TableSection(
        Anchor.HEALTH, "Health", tables, "as the objectives of the preset are judged; intervals at 95 %",
        remarks=("The served rate is counted in bins of 10 s. Its variation is what is left of the bins' spread when "
                 "chance is taken off, in percent of their mean; a rate falls where a bin has less than half of the "
                 "median.",))


def _table(name: str, stage: str | None, rows: tuple[HealthRow, ...]) -> Table:
    where = "the whole load" if stage is None else f"stage {stage}"
    return Table(f"health-{name}", HEAD, tuple(map(_row, rows)), f"{name}: {where}", frozenset({5}), "measures")


def _row(one: HealthRow) -> Row:
    at_least = one.part is HealthPart.SUCCESS
    healthy = f"{'at least' if at_least else 'at most'} {_value(one, one.healthy)}"
    abnormal = numbers.DASH if one.abnormal is None else \
        f"{'below' if at_least else 'above'} {_value(one, one.abnormal)}"
    if one.part is HealthPart.RATE and one.abnormal is not None:
        abnormal += ", or falls"
    interval = "" if one.interval is None else \
        f"{_value(one, one.interval.low)} to {_value(one, one.interval.high)}"
    state = STATES[one.state] + (f": it {one.word}" if one.word else "")
    return Row((Cell(NAMES[one.part]), Cell(healthy), Cell(abnormal), Cell(_value(one, one.measured), interval),
                Cell(f"{one.count:,}"), Cell(state, one.reason or "")), is_bad=one.state is HealthState.ABNORMAL)


def _value(one: HealthRow, value: float | None) -> str:
    if value is None:
        return numbers.DASH
    return numbers.duration(value) if one.unit == "ms" else f"{value:.4g} %"
