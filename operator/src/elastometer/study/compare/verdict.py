"""The verdict of a study: by its gates if it has any, else by whether a variant met all objectives in every run."""
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from elastometer.model.comparison import GateResult, GateState, VariantSummary
from elastometer.model.in_words import plural
from elastometer.model.reasons import (
    GATES_HELD,
    GATES_REGRESSED,
    GATES_UNCERTAIN,
    NO_OBJECTIVES,
    OBJECTIVES_MET,
    OBJECTIVES_MISSED,
)
from elastometer.model.report import Verdict

NOTHING_TO_COMPARE, VARIANT_NOT_COMPARED = "NothingToCompare", "VariantNotCompared"


class StudyVerdict(NamedTuple):
    """The verdict, its reason as one word, and a sentence."""

    verdict: Verdict
    reason: str
    message: str


def verdict_of(gates: Sequence[GateResult], has_gates: bool, variants: Sequence[VariantSummary]) -> StudyVerdict:
    """With gates, those alone decide: one that regressed fails, one that cannot tell leaves the study inconclusive."""
    if not any(one.compared for one in variants):
        return StudyVerdict(Verdict.INCONCLUSIVE, NOTHING_TO_COMPARE, "no run could be compared")
    return _by_gates(gates, variants) if has_gates else _by_objectives(variants)


def _by_gates(gates: Sequence[GateResult], variants: Sequence[VariantSummary]) -> StudyVerdict:
    for state, verdict, reason in ((GateState.REGRESSED, Verdict.FAIL, GATES_REGRESSED),
                                   (GateState.CANNOT_TELL, Verdict.INCONCLUSIVE, GATES_UNCERTAIN)):
        found = [one for one in gates if one.state is state]
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            return StudyVerdict(verdict, reason, found[0].message + more)
    if not gates:
        return StudyVerdict(Verdict.INCONCLUSIVE, GATES_UNCERTAIN, "there is no variant beside the baseline to gate")
    held = f"every gate held ({len(gates)} of {len(gates)})"
    missing = (_missing(one) for one in variants if one.compared < one.planned)
    return StudyVerdict(Verdict.PASS, GATES_HELD, "; ".join((held, *missing)))


def _missing(one: VariantSummary) -> str:
    return f"{one.planned - one.compared} of {plural(one.planned, 'run')} of {one.name} could not be compared"


def _by_objectives(variants: Sequence[VariantSummary]) -> StudyVerdict:
    compared = [one for one in variants if one.compared]
    if not any(one.passed or one.failed for one in compared):
        return StudyVerdict(Verdict.NOT_JUDGED, NO_OBJECTIVES,
                            "the study has neither gates nor objectives: it was measured but not judged")
    passing = [one.name for one in compared if one.passed >= one.planned]
    if passing:
        verb = "meets" if len(passing) == 1 else "meet"
        return StudyVerdict(Verdict.PASS, OBJECTIVES_MET, f"{', '.join(passing)} {verb} all objectives in every run")
    so_far = [one for one in compared if one.passed == one.compared]
    if so_far:
        return StudyVerdict(Verdict.INCONCLUSIVE, VARIANT_NOT_COMPARED,
                            f"{so_far[0].name} met all objectives in the runs that could be compared, but "
                            f"{_missing(so_far[0])}")
    missing = [one.name for one in variants if one.planned and not one.compared]
    if missing:
        return StudyVerdict(Verdict.INCONCLUSIVE, VARIANT_NOT_COMPARED,
                            f"no run of {', '.join(missing)} could be compared")
    return StudyVerdict(Verdict.FAIL, OBJECTIVES_MISSED, "no variant met all objectives in every run")
