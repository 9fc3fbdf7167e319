"""The input of the functions that detect findings."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.run import DerivedRun
from elastometer.model.answers import AnswerRow
from elastometer.model.autoscaler import AutoscalerAccount
from elastometer.model.elasticity import DemandAccount, Elasticity
from elastometer.model.measurements import ColdStart, ScaleIn, Timeline
from elastometer.model.reasons import LoadFlaw
from elastometer.model.report import Quality, Report
from elastometer.model.story import Blind
from elastometer.model.wake import Wake


@dataclass(frozen=True, slots=True)
class Facts:
    """The run, and the parts of its report that are computed before the findings.

    `report` has all of them, the tables included; it is None only where a test of a finding that reads none made it.
    """

    run: DerivedRun
    cold_starts: Sequence[ColdStart]
    scale_ins: Sequence[ScaleIn]
    timeline: Timeline
    quality: Quality
    flaws: Sequence[tuple[LoadFlaw, str]]
    autoscaler: AutoscalerAccount
    answers: Sequence[AnswerRow]
    wakes: tuple[Wake, ...] = ()
    blind: Blind | None = None
    demand: DemandAccount | None = None
    elasticity: Elasticity | None = None
    report: Report | None = None

    @property
    def evidence(self) -> Evidence:
        """The evidence of the run."""
        return self.run.evidence
