"""Whether clients suffered in a part of the load: only then is what was full there a bottleneck."""
from __future__ import annotations

from collections.abc import Mapping

from elastometer.model.levels import LevelRow
from elastometer.model.report import Report
from elastometer.model.resources_used import step_name
from elastometer.model.saturation import CPU, SaturationTable
from elastometer.model.verdict import Verdict

# As the median latency of the part in which the CPU was least used.
SLOWER = 1.5


def suffering(report: Report, found: SaturationTable) -> frozenset[str]:
    """The parts in which an objective failed, or requests took half as long again as where the CPU was least used."""
    usual = _usual(report, found)
    failed = {one.stage for one in report.objectives if one.stage is not None and one.verdict is Verdict.FAIL}
    failed |= {_part_of(one) for one in report.levels if one.verdict is Verdict.FAIL}
    medians = _medians(report)
    slower = {name for name, median in medians.items() if usual is not None and median >= SLOWER * usual}
    return frozenset(failed | slower)


def _part_of(level: LevelRow) -> str:
    """The name that the level's part of the load has."""
    if level.level is None or not (level.is_step or level.is_soak):
        return level.stage
    return step_name(level.stage, level.level, is_soak=level.is_soak)


def _medians(report: Report) -> Mapping[str, float]:
    found = {row.stage: row.latency.p50 for row in report.load if row.task is None}
    found |= {_part_of(one): one.latency.p50 for one in report.levels}
    return {name: median for name, median in found.items() if median is not None}


def _usual(report: Report, found: SaturationTable) -> float | None:
    """The median latency where the CPU was least used; None where neither is known."""
    medians = _medians(report)
    used = [(cell.share_percent, row.name) for row in found.rows
            if (cell := row.cell(CPU)) is not None and cell.share_percent is not None and row.name in medians]
    return medians[min(used)[1]] if used else None
