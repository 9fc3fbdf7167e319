"""The first screen, in Markdown: the sentences with links to their evidence, and the patch to copy."""
from __future__ import annotations

from collections.abc import Iterator, Mapping

from elastometer.model.report import Report
from elastometer.model.story import Advice, Anchor, Sentence
from elastometer.render.wording import prices
from elastometer.render.wording.story import ANCHOR_NAMES, advice_rows, objectives_met
from elastometer.render.wording.tables import prose

# The headings of the Markdown report, as GitHub links them; the charts are in the page alone.
_HEADINGS: Mapping[Anchor, str] = {
    Anchor.FINDINGS: "findings", Anchor.AUTOSCALER: "autoscaler", Anchor.COLD_STARTS: "cold-starts",
    Anchor.SCALE_EVENTS: "scale-events", Anchor.LOAD: "load-by-stage", Anchor.ADVICE: "the-change-to-try",
    Anchor.ELASTICITY: "elasticity",
}


def markdown(report: Report) -> Iterator[str]:
    """A list of the sentences; nothing for a run without requests."""
    headings = {one: name for one, name in _HEADINGS.items() if one not in _absent(report)}
    if report.price is not None:
        headings[Anchor.PRICE] = f"price-{prices.unit(report.price).lower()}"
    yield from (f"- {prose(one.text)}.{_links(one, headings)}" for one in report.story.sentences)


def patch_markdown(advice: Advice | None) -> Iterator[str]:
    """The section with the patch; nothing without one."""
    if advice is None or advice.patch is None:
        return
    yield from ("", "## The change to try", "")
    yield from (f"    {line}".rstrip() for line in advice.patch.splitlines())


def story_values(report: Report) -> Mapping[str, object]:
    """What the templates of the first screen need. A link to a section that the page leaves out has no `anchors`."""
    anchors = frozenset(one.value for one in set(Anchor) - _absent(report))
    return {"story": report.story, "anchor_names": ANCHOR_NAMES, "anchors": anchors,
            "advice_rows": advice_rows, "objectives_met": objectives_met}


def _absent(report: Report) -> frozenset[Anchor]:
    """The sections that this report does not have."""
    advice = report.story.advice
    there = {Anchor.PRICE: report.price, Anchor.FINDINGS: report.findings, Anchor.ADVICE: advice and advice.patch,
             Anchor.COLD_STARTS: report.cold_starts, Anchor.SCALE_EVENTS: report.scale_events,
             Anchor.ELASTICITY: report.elasticity}
    return frozenset(one for one, part in there.items() if not part)


def _links(sentence: Sentence, headings: Mapping[Anchor, str]) -> str:
    shown = [f"[{ANCHOR_NAMES[one]}](#{headings[one]})" for one in sentence.evidence if one in headings]
    return f" ({', '.join(shown)})" if shown else ""
