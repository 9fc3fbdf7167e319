"""Findings from the autoscaler's account: only of what held a scale-out, and only if it was long."""
from __future__ import annotations

from elastometer.analysis.findings.autoscaler import autoscaler_findings
from elastometer.model.autoscaler import (
    CAUSE_LABELS,
    AutoscalerAccount,
    Cause,
    FidelitySummary,
    HeldTime,
    Loss,
    ScaleAccount,
    SyncMismatch,
)
from elastometer.model.measurements import Duration


def held(direction: str, cause: Cause, seconds: float) -> AutoscalerAccount:
    return AutoscalerAccount(held=(HeldTime(direction, cause, CAUSE_LABELS[cause], seconds, 58.2),))


def scale_out(cause: Cause, seconds: float | None, plus_minus: float = 1.0) -> ScaleAccount:
    loss = Loss(cause, CAUSE_LABELS[cause], None if seconds is None else 1000 * seconds, 1000 * plus_minus, "replay")
    return ScaleAccount(1, "Out", 2, 3, 0.0, 30.0, Duration(30000.0), (loss,))


def names(account: AutoscalerAccount) -> list[str]:
    return [one.name for one in autoscaler_findings(account)]


def test_a_policy_that_limited_the_scale_out_is_reported_with_its_worst_change():
    account = held("Out", Cause.POLICY, 45.1)
    account = AutoscalerAccount(held=account.held, changes=(scale_out(Cause.POLICY, 30.0),))
    found, = autoscaler_findings(account)
    assert (found.name, found.severity) == ("PolicyBound", "Warning")
    assert found.evidence == (
        "45 s with fewer replicas than wanted, first 58 s after the start of the load; 2 to 3 waited 30 s of it")


def test_what_holds_a_scale_in_or_holds_shortly_is_no_finding():
    assert names(held("In", Cause.POLICY, 300.0)) == []
    assert names(held("In", Cause.STABILIZATION, 300.0)) == []
    assert names(held("Out", Cause.POLICY, 9.0)) == []
    assert names(held("Out", Cause.STABILIZATION, 30.0)) == ["ScaleUpWindow"]


def test_a_late_metric_is_reported_only_where_the_delay_is_certain():
    assert names(AutoscalerAccount(changes=(scale_out(Cause.METRIC_DELAY, 25.0),))) == ["LateMetric"]
    assert names(AutoscalerAccount(changes=(scale_out(Cause.METRIC_DELAY, 25.0, plus_minus=30.0),))) == []
    assert names(AutoscalerAccount(changes=(scale_out(Cause.METRIC_DELAY, 3.0),))) == []
    assert names(AutoscalerAccount(changes=(scale_out(Cause.METRIC_DELAY, None),))) == []


def test_a_replay_that_often_differs_makes_the_account_doubtful():
    misses = tuple(SyncMismatch(15.0 * index, ("replicas: live 2, replayed 3",), "other flags") for index in range(2))
    account = AutoscalerAccount(fidelity=FidelitySummary(20, 20, 18, 0, 0, 90.0, misses, ()))
    found, = autoscaler_findings(account)
    assert found.evidence == \
        "At 2 of 20 syncs the live controller decided differently from the replay: other flags"
    assert names(AutoscalerAccount(fidelity=FidelitySummary(20, 20, 19, 0, 0, 95.0, misses[:1], ()))) == []


def test_without_an_account_there_are_no_findings():
    assert names(AutoscalerAccount(reason="no HorizontalPodAutoscaler was seen")) == []
