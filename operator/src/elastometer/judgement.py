"""Bundle -> Report as users get it: the analysis, and the advice that the twin of the run gives.

The analysis below knows no twin, and judges a prediction as it judges a record. The operator and the command line judge
by this function, so that both say the same about a run.
"""
from __future__ import annotations

from dataclasses import replace

from elastometer.analysis.analyze import judge_run
from elastometer.analysis.run import derive_run
from elastometer.analysis.story.story import with_advice
from elastometer.model.bundle import Bundle
from elastometer.model.report import Report
from elastometer.twin.advice.advise import advise


def judge(bundle: Bundle) -> Report:
    """The report with its advice; a partial bundle gives a partial report that says what it lacks."""
    run = derive_run(bundle)
    report = judge_run(run)
    return replace(report, story=with_advice(report.story, advise(run, report), report.verdict))
