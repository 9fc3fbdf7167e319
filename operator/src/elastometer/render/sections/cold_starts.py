"""The starts of the server Pods, in Markdown."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from elastometer.model.measurements import ColdStart
from elastometer.render.wording import numbers
from elastometer.render.wording import starts as start_words
from elastometer.render.wording.tables import code, prose, section


def markdown(starts: Sequence[ColdStart]) -> Iterator[str]:
    """The sections: every start, the state that it began from, and where its time went."""
    yield from section(
        "Cold starts", ["Pod", "Origin", "Class", "Image", "Created → Ready", "Decision → Ready", "Ready → first token",
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
