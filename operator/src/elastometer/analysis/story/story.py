"""The story of a run: its facts, the advice that its findings give, and the sentences that tell both."""
from __future__ import annotations

from dataclasses import replace

from elastometer.analysis.requests.misses import measured_missed
from elastometer.analysis.run import DerivedRun
from elastometer.analysis.story.cost import cost
from elastometer.analysis.story.from_findings import advice_from
from elastometer.analysis.story.happened import happened
from elastometer.analysis.story.sentences import sentences
from elastometer.analysis.story.worst_minute import worst_minute
from elastometer.model.report import Report, Verdict
from elastometer.model.story import Advice, Story

NOT_ASKED = "this judgement made no what-if"
PREDICTED = "this is a prediction; `elastometer simulate --set` predicts other settings"


def story_of(run: DerivedRun, report: Report) -> Story:
    """The story of a report that has all the rest, blind stretches included; the advice is that of its findings."""
    missed = measured_missed(run.evidence)
    story = Story(
        happened=happened(run, report), cost=cost(run, report, None if missed is None else len(missed)),
        worst_minute=worst_minute(run, report, missed), blind=report.story.blind)
    reason = NOT_ASKED if run.bundle.predicted is None else PREDICTED
    return with_advice(story, advice_from(report, reason), report.verdict)


def with_advice(story: Story, advice: Advice, verdict: Verdict) -> Story:
    """The story with other advice, and its sentences."""
    changed = replace(story, advice=advice)
    return replace(changed, sentences=sentences(changed, verdict))
