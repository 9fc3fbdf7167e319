"""The first screen, in Markdown: the sentences with links to their evidence, and the patch to copy."""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from elastometer.model.in_short import InShort
from elastometer.model.report import Report
from elastometer.model.story import Advice, Anchor
from elastometer.render.tables.table import TableSection
from elastometer.render.wording import in_short, prices
from elastometer.render.wording.story import ANCHOR_NAMES, advice_rows, objectives_met
from elastometer.render.wording.tables import prose

_NO_LETTERS = re.compile(r"[^\w -]")
# The headings of the Markdown report, as GitHub links them; the charts are in the page alone.
_HEADINGS: Mapping[Anchor, str] = {
    Anchor.FINDINGS: "findings", Anchor.AUTOSCALER: "autoscaler", Anchor.COLD_STARTS: "cold-starts",
    Anchor.SCALE_EVENTS: "scale-events", Anchor.LOAD: "load-by-stage", Anchor.ADVICE: "the-change-to-try",
    Anchor.ELASTICITY: "elasticity", Anchor.ANSWERS: "answers",
}
# The sections that are always there, or that `_absent` knows; all others are those of render/tables.
_OF_OLD = frozenset({*_HEADINGS, Anchor.CHARTS, Anchor.PRICE})


def markdown(report: Report, tables: Sequence[TableSection]) -> Iterator[str]:
    """A list of the sentences; nothing for a run without requests."""
    headings = _headings(report, tables)
    yield from (f"- {prose(one.text)}.{_links(one.evidence, headings)}" for one in report.story.sentences)


def in_short_markdown(report: Report, tables: Sequence[TableSection]) -> Iterator[str]:
    """The section In short; nothing where no question is raised."""
    if report.in_short:
        headings = _headings(report, tables)
        yield from ("", "## In short", "", *(_in_short(one, headings) for one in report.in_short))


def _in_short(one: InShort, headings: Mapping[Anchor, str]) -> str:
    return f"- {prose(in_short.sentence(one))}{_links((one.anchor,), headings)}"


def _headings(report: Report, tables: Sequence[TableSection]) -> Mapping[Anchor, str]:
    """The ids of this report's headings, as GitHub makes them of their words."""
    headings = {one: name for one, name in _HEADINGS.items() if one not in _absent(report, tables)}
    if report.price is not None:
        headings[Anchor.PRICE] = f"price-{prices.unit(report.price).lower()}"
    return {**headings, **{one.anchor: _slug(one.title) for one in tables}}


def _slug(title: str) -> str:
    return "-".join(_NO_LETTERS.sub("", title.lower()).split())


def patch_markdown(advice: Advice | None) -> Iterator[str]:
    """The section with the patch; nothing without one."""
    if advice is None or advice.patch is None:
        return
    yield from ("", "## The change to try", "")
    yield from (f"    {line}".rstrip() for line in advice.patch.splitlines())


def story_values(report: Report, tables: Sequence[TableSection]) -> Mapping[str, object]:
    """What the templates of the first screen need. A link to a section that the page leaves out has no `anchors`."""
    anchors = frozenset(one.value for one in set(Anchor) - _absent(report, tables))
    return {"story": report.story, "anchor_names": ANCHOR_NAMES, "anchors": anchors,
            "advice_rows": advice_rows, "objectives_met": objectives_met, "in_short": in_short}


def _absent(report: Report, tables: Sequence[TableSection]) -> frozenset[Anchor]:
    """The sections that this report does not have."""
    advice = report.story.advice
    there = {Anchor.PRICE: report.price, Anchor.FINDINGS: report.findings, Anchor.ADVICE: advice and advice.patch,
             Anchor.COLD_STARTS: report.cold_starts, Anchor.SCALE_EVENTS: report.scale_events,
             Anchor.ELASTICITY: report.elasticity, Anchor.ANSWERS: report.answers}
    found = {one.anchor for one in tables}
    return frozenset({one for one, part in there.items() if not part} | (set(Anchor) - _OF_OLD - found))


def _links(anchors: Sequence[Anchor], headings: Mapping[Anchor, str]) -> str:
    shown = [f"[{ANCHOR_NAMES[one]}](#{headings[one]})" for one in anchors if one in headings]
    return f" ({', '.join(shown)})" if shown else ""
