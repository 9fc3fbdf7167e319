"""The vocabularies that rooms share: each is declared once, and what refers to it covers it."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from elastometer.analysis.verdict.objectives import overall
from elastometer.hpa.decision import Constraint
from elastometer.model.autoscaler import CAUSE_LABELS, Cause
from elastometer.model.findings import FindingName
from elastometer.model.milestones import CHAIN, OUTSIDE_CHAIN, Milestone
from elastometer.model.reasons import OBJECTIVES_MISSED, LoadFlaw
from elastometer.model.report import ObjectiveResult, Verdict

ROOT = Path(__file__).parent.parent.parent.parent
ANALYSIS = ROOT / "operator" / "src" / "elastometer" / "analysis"
PRODUCERS = (
    "evidence/pods.py", "evidence/readiness.py", "evidence/scaling.py", "starts/begins.py", "starts/coldstart.py",
    "starts/enginelog.py", "starts/restarts.py", "starts/scalein.py", "starts/scraped.py", "starts/wordings.py",
)
# What a healthy start of a server on a GPU does not show.
NOT_IN_A_PLAIN_START = frozenset({Milestone.RESTARTED, Milestone.WOKEN})


def test_every_milestone_is_in_the_chain_in_its_order_or_named_as_outside_of_it() -> None:
    chained = [link.name for link in CHAIN]
    assert chained == [milestone for milestone in Milestone if milestone not in OUTSIDE_CHAIN]
    assert not OUTSIDE_CHAIN & set(chained)


def test_every_phase_has_a_name_a_label_and_a_part_of_its_own() -> None:
    first, *ending = CHAIN
    assert (first.phase, first.label) == ("", "")
    assert all(link.phase and link.label for link in ending)
    phases = {(link.phase, link.label, link.part) for link in ending}
    assert len(phases) == len({link.phase for link in ending}) == len({link.label for link in ending})


def test_only_what_is_profiled_or_warmed_up_in_two_goes_has_two_milestones() -> None:
    phases = Counter(link.phase for link in CHAIN)
    assert {phase: count for phase, count in phases.items() if count > 1} == {"profile": 3, "warmup": 2}


def test_every_milestone_is_made_by_a_source_and_no_other() -> None:
    """As an argument of what makes an instant: mypy refuses a name that the enum does not have."""
    text = "".join((ANALYSIS / path).read_text() for path in PRODUCERS)
    made = re.findall(r"(?:\(|begins=|spans=|\n_\w+ = )Milestone\.(\w+)(?=[,)\n])", text)
    assert set(made) == {milestone.name for milestone in Milestone}


def test_the_golden_run_shows_every_milestone_of_the_chain() -> None:
    report = json.loads((ROOT / "tests" / "golden" / "report.json").read_text())
    seen = {instant["name"] for start in report["coldStarts"] for instant in start["instants"]}
    assert seen == {link.name.value for link in CHAIN} - NOT_IN_A_PLAIN_START


def test_every_constraint_of_the_hpa_is_a_cause_of_lost_seconds_and_only_three_causes_lie_outside_of_it() -> None:
    """The model of the HPA stands alone, so the words are declared twice; `Cause(constraint)` needs them equal."""
    outside = {Cause.METRIC_DELAY, Cause.SYNC_WAIT, Cause.UNATTRIBUTED}
    assert {constraint.value for constraint in Constraint} - {"None"} == {cause.value for cause in set(Cause) - outside}
    assert list(CAUSE_LABELS) == list(Cause)


def test_every_finding_and_every_flaw_of_a_load_is_explained_in_the_page_about_reports() -> None:
    page = (ROOT / "docs" / "report.md").read_text()
    assert [word for word in (*FindingName, *LoadFlaw) if f"`{word}`" not in page] == []


def test_a_verdict_fails_for_the_reason_of_its_condition() -> None:
    missed = ObjectiveResult("first", "TimeToFirstToken", Verdict.FAIL, "too slow", None, None, "ms", 0, None)
    assert overall([missed], [])[1] == OBJECTIVES_MISSED == "ObjectivesMissed"
