"""What the page shows of the tables that grow with the run, and the searches that stand for the rest of their rows."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

from elastometer.model.measurements import ColdStart
from elastometer.model.report import Report
from elastometer.render.many import SPREAD_HEAD, Search
from elastometer.render.sections.many_starts import GROUP_HEAD, many_starts, starts_search
from elastometer.render.sections.scale_events import events_shown
from elastometer.render.sections.scale_ins import leaving_shown
from elastometer.render.shapes import strips


def growing_values(report: Report) -> dict[str, object]:
    """What the templates of Pods and scale events need in addition to the report."""
    many = many_starts(report.cold_starts)
    return {
        "many_starts": many, "strips": strips(report.cold_starts if many is None else ()),
        "events": events_shown(report.scale_events), "leaving": leaving_shown(report.scale_ins),
        "spread_head": SPREAD_HEAD, "group_head": GROUP_HEAD, "node_head": ("Node", *GROUP_HEAD[1:]),
        "paper_start": _slowest(report.cold_starts if many is None else many.shown),
    }


def _slowest(starts: Sequence[ColdStart]) -> str | None:
    """The Pod whose start took longest: of those that the page has phase by phase, paper has this one."""
    slowest = max(starts, key=lambda one: (one.cold_start and one.cold_start.milliseconds) or 0.0, default=None)
    return None if slowest is None else slowest.pod


def searches(report: Report) -> Mapping[str, Search]:
    """The searches of the page, by their ids; none of a table that is shown whole."""
    found = (starts_search(report.cold_starts, report.scale_ins), events_shown(report.scale_events).search)
    return {one.id: one for one in found if one is not None}
