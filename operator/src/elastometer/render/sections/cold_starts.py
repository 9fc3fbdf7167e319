"""The starts of the server Pods, in Markdown."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from elastometer.model.measurements import ColdStart
from elastometer.render.many import SPREAD_HEAD
from elastometer.render.sections.many_starts import GROUP_HEAD, ManyStarts, many_starts
from elastometer.render.wording import numbers
from elastometer.render.wording import starts as start_words
from elastometer.render.wording.tables import code, prose, section


def markdown(starts: Sequence[ColdStart]) -> Iterator[str]:
    """The sections: every start, the state that it began from, and where its time went. Of many starts how they are
    spread comes first, and the rest is about those that stand out."""
    many = many_starts(starts)
    if many is not None:
        yield from _spread(many)
        starts = many.shown
    yield from section(
        "Cold starts" if many is None else "Cold starts that stand out",
        ["Pod", "Origin", "Class", "Image", "Created → Ready", "Decision → Ready", "Ready → first token",
         "Process start by Prometheus"],
        ([code(one.pod), one.origin + (f" {one.scale_event}" if one.scale_event else ""),
          prose(start_words.class_words(one)), prose(one.image or numbers.DASH), prose(numbers.figure(one.cold_start)),
          prose(numbers.figure(one.scale_out)), prose(numbers.figure(one.first_token)),
          numbers.stamp(one.scraped.process_start) if one.scraped.process_start else prose(one.scraped.reason or "")]
         for one in starts))
    yield from section("State when the Pod began", start_words.EVIDENCE_HEAD, (
        [code(pod), *map(prose, evidence)] for pod, evidence in start_words.evidence_rows(starts)))
    yield from section("Where the time went", ["Part", "Phase", *(code(one.pod) for one in starts)],
                       start_words.time_rows(starts))


def _spread(many: ManyStarts) -> Iterator[str]:
    yield from section(f"Cold starts of {many.count:,} Pods", SPREAD_HEAD,
                       (_prose(cells) for _, _, cells in many.spreads))
    yield from ("", "Percentiles are by nearest rank, with intervals at 95 %. Every Pod is in report.json.")
    yield from section("Like starts, created to Ready", GROUP_HEAD, map(_prose, many.groups))
    more = f" (the slowest; {many.more_nodes} more in report.json)" if many.more_nodes else ""
    yield from section(f"By node, created to Ready{more}", ("Node", *GROUP_HEAD[1:]), map(_prose, many.nodes))


def _prose(cells: Sequence[str]) -> list[str]:
    return [prose(cell) for cell in cells]
