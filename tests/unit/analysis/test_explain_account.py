"""The account of given traces, of a live run and of a file without a run, and how its rows are shown."""
from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from elastometer.analysis.autoscaler.explain import folded
from elastometer.analysis.autoscaler.explain_run import explain_trace
from elastometer.hpa.decision import Constraint
from elastometer.hpa.trace import recording_from
from elastometer.model.autoscaler import (
    CAUSE_LABELS,
    AutoscalerAccount,
    Cause,
    ConstraintStep,
    MetricReading,
    SyncMismatch,
    SyncRow,
)
from elastometer.render.wording.autoscaler import fidelity_sentence, miss_rows, readings_words, way_words

TRACES = [orjson.loads(line) for line in
          (Path(__file__).parents[2] / "oracle" / "given-traces.jsonl").read_bytes().splitlines()]
ROOT = Path(__file__).parents[3] / "operator/src/elastometer"


@pytest.fixture(scope="module", params=TRACES, ids=lambda trace: str(trace["name"]))
def account(request: pytest.FixtureRequest) -> AutoscalerAccount:
    return explain_trace(recording_from(request.param))


def row(**values: object) -> SyncRow:
    reading = MetricReading("waiting", 5.0, 2.0, "", 3, 3, None, None)
    usual = SyncRow(0.0, True, 1, 1, (reading,), "waiting", 1, 1, (), 1, None, 1, True, None)
    return replace(usual, **values)


def test_every_constraint_of_the_controller_is_a_cause_with_a_label_and_a_colour():
    assert {one.value for one in Constraint} - {"None"} <= {one.value for one in Cause}
    assert list(CAUSE_LABELS) == list(Cause)
    style = (ROOT / "render/templates/report.css").read_text()
    assert set(re.findall(r"\.p-lost-(\w+) {", style)) == {one.value for one in Cause}
    assert all(style.count(f"--lost-{one.value}:") == 2 for one in Cause), "one for light and one for dark"


def test_every_sync_of_a_trace_has_a_row_and_agrees(account: AutoscalerAccount):
    assert account.fidelity is not None
    assert account.fidelity.percent == 100.0
    assert len(account.rows) == account.fidelity.syncs > 50
    assert all(one.agrees for one in account.rows)


def test_every_change_of_a_trace_has_an_account_and_nothing_is_unattributed(account: AutoscalerAccount):
    written = [one for one in account.rows if one.live not in (None, one.spec)]
    assert [one.written_seconds for one in account.changes] == [one.seconds for one in written]
    causes = {loss.cause for change in account.changes for loss in change.losses} | {one.cause for one in account.held}
    assert Cause.UNATTRIBUTED not in causes


def test_the_steps_of_every_row_lead_from_the_wanted_replicas_to_the_decision(account: AutoscalerAccount):
    wanting = [row for row in account.rows if row.wanted is not None]
    assert len(wanting) > 50
    for row in wanting:
        numbers = [row.wanted, *(step.after for step in row.steps)]
        assert numbers[-1] == row.desired
        assert [step.before for step in row.steps] == numbers[:-1]


def test_folding_keeps_every_sync_and_every_change(account: AutoscalerAccount):
    short = folded(account.rows)
    assert sum(one.count for one in short) == len(account.rows)
    assert [one for one in short if one.spec != one.desired] == [one for one in account.rows if one.spec != one.desired]
    assert folded(short) == short


def test_idle_syncs_fold_and_what_differs_does_not():
    rows = [row(seconds=0.0), row(seconds=15.0), row(seconds=30.0, ready=0), row(seconds=45.0, wanted=2, desired=1),
            row(seconds=60.0, agrees=False, difference="live 2, replayed 1")]
    assert [(one.seconds, one.count) for one in folded(rows)] == [(0.0, 2), (30.0, 1), (45.0, 1), (60.0, 1)]


def test_the_text_of_a_row_names_the_metric_and_the_steps():
    one = row(wanted=7, steps=(ConstraintStep(Cause.MISSING_PODS, 7, 5), ConstraintStep(Cause.POLICY, 5, 2)), desired=2)
    assert readings_words(one) == "5 of 2"
    assert way_words(one) == "7 → 5 Pods without a sample → 2 scaling policy"
    share = MetricReading("cpu", 96.0, 80.0, " %", 2, 2, None, None)
    failed = MetricReading("queue", None, 2.0, "", None, None, None, "FailedGetPodsMetric")
    assert readings_words(row(metrics=(failed, share), metric="cpu")) == "cpu 96 % of 80 %; queue FailedGetPodsMetric"


def test_a_share_that_is_not_whole_is_never_rounded_up_to_it(account: AutoscalerAccount):
    assert account.fidelity is not None
    nearly = replace(account.fidelity, seen=3000, seen_agreed=2999, percent=100 * 2999 / 3000)
    assert "2999 of 3000 syncs (99.96 %)" in fidelity_sentence(nearly)
    assert fidelity_sentence(None).startswith("No decision of the live controller was observed")


def test_misses_of_one_kind_are_one_row(account: AutoscalerAccount):
    assert account.fidelity is not None
    misses = (SyncMismatch(15.0, ("a: live 1, replayed 2",), "why"), SyncMismatch(30.0, ("b", "c"), "why"),
              SyncMismatch(45.0, ("a: live 1, replayed 2",), "why"))
    assert miss_rows(replace(account.fidelity, misses=misses)) == [
        ("+15.000 s and 1 more sync", "a: live 1, replayed 2", "why"), ("+30.000 s", "b; c", "why")]
