"""Bundle -> Report as users get it: the analysis, and the advice that the twin of the run gives.

The analysis below knows no twin, and judges a prediction as it judges a record. The operator and the command line judge
by this function, so that both say the same about a run.
"""
from __future__ import annotations

from dataclasses import replace

from elastometer.analysis.analyze import judge_run
from elastometer.analysis.in_short.in_short import in_short
from elastometer.analysis.run import DerivedRun, derive_run
from elastometer.analysis.story.story import with_advice
from elastometer.model.bundle import Bundle
from elastometer.model.price import Price
from elastometer.model.report import Report
from elastometer.twin.advice.advise import advise
from elastometer.twin.advice.fitted import FittedTwin, fit_twin
from elastometer.twin.advice.predicted_rows import with_predicted_rows
from elastometer.twin.search.score.predicted_misses import with_predicted_misses, without_predicted_misses


def judge(bundle: Bundle) -> Report:
    """The report with its advice; a partial bundle gives a partial report that says what it lacks."""
    run = derive_run(bundle)
    report, twin = judge_run(run), fit_twin(run)
    advice = advise(run, report, twin)
    what_if, spares = with_predicted_rows(run, report, twin)
    report = replace(report, story=with_advice(report.story, advice, report.verdict),
                     price=_with_misses(report.price, run, twin), what_if=what_if, warm_spares=spares)
    return replace(report, in_short=in_short(report))


def _with_misses(price: Price | None, run: DerivedRun, twin: FittedTwin) -> Price | None:
    """What other supplies would have missed, as far as the twin can say."""
    if price is None:
        return None
    if twin.base is None:
        return without_predicted_misses(price, twin.reason or "")
    return with_predicted_misses(price, twin.base.scenario, run.evidence.terms)
