"""Cold starts in words and rows: what was there when they began, and where their time went."""
from __future__ import annotations

from collections.abc import Sequence

from elastometer.model.measurements import PHASE_LABELS, UNATTRIBUTED, ColdStart, Phase
from elastometer.model.milestones import PART_OF_PHASE, PHASE_ENDED_BY, Milestone
from elastometer.model.start_class import CLASS_LABELS, PRESENCE_LABELS, Ingredient, StartFact
from elastometer.render.wording import numbers

EVIDENCE_HEAD = ("Pod", *(ingredient.value.capitalize() for ingredient in Ingredient))
# Shorter phases than this share of the longest start share one row.
SHORT_SHARE = 0.005


def class_words(start: ColdStart) -> str:
    """The class, and the evidence for one that came neither from an image nor from a cache; a dash if predicted."""
    if not start.start_class.facts:
        return numbers.DASH
    evidence = f": {start.start_class.evidence}" if start.start_class.evidence else ""
    return CLASS_LABELS[start.start_class.name] + evidence


def evidence_rows(starts: Sequence[ColdStart]) -> list[tuple[str, list[str]]]:
    """(Pod, whether each ingredient was there, with the evidence) of every start that was recorded."""
    return [(one.pod, list(map(fact_words, one.start_class.facts))) for one in starts if one.start_class.facts]


def fact_words(fact: StartFact) -> str:
    """Whether the ingredient was there, and the evidence."""
    return f"{PRESENCE_LABELS[fact.presence]}: {fact.evidence}"


def phase_words(phase: Phase) -> str:
    """The label, with the model that the time was for where it is not the one that is served."""
    return f"{phase.label} ({phase.model})" if phase.model else phase.label


def time_rows(starts: Sequence[ColdStart]) -> list[list[str]]:
    """Part, phase, and its time in each start, in the order of a start; the short ones in one row."""
    order = list(PHASE_LABELS)
    kinds = {(order.index(phase.name), phase.model or "", phase_words(phase)) for one in starts for phase in one.phases}
    least = SHORT_SHARE * max((_whole(one) for one in starts), default=0.0)
    rows, short = [], []
    for index, _, words in sorted(kinds):
        mine = [[phase for phase in one.phases if phase_words(phase) == words] for one in starts]
        if order[index] != UNATTRIBUTED and all(sum(phase.milliseconds for phase in some) < least for some in mine):
            short.append(words)
        else:
            rows.append([_part(order[index]), words, *map(_time, mine)])
    if short:
        mine = [[phase for phase in one.phases if phase_words(phase) in short] for one in starts]
        rows.append(["", f"short phases: {', '.join(short)}", *map(_time, mine)])
    return rows


def _whole(start: ColdStart) -> float:
    """Milliseconds of the start, without the wait for its first request."""
    return sum(phase.milliseconds for phase in start.phases if phase.name != PHASE_ENDED_BY[Milestone.FIRST_SERVED])


def _part(name: str) -> str:
    part = PART_OF_PHASE.get(name)
    return "" if part is None else part.value


def _time(phases: Sequence[Phase]) -> str:
    if not phases:
        return numbers.DASH
    known = [phase.plus_minus_milliseconds for phase in phases if phase.plus_minus_milliseconds is not None]
    return numbers.spread(sum(phase.milliseconds for phase in phases), max(known, default=None))
