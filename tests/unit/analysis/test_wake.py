"""A target at zero replicas: how it was woken, and what became of the requests meanwhile."""
from __future__ import annotations

from typing import Any

import pytest

from elastometer.analysis.analyze import judge
from elastometer.model.report import Report
from elastometer.model.wake import Wake
from elastometer_loadgen.base.record import Outcome
from support.from_zero import (
    AT_ZERO,
    WAITING,
    WOKEN,
    at,
    autoscaler,
    bundle,
    deployment,
    line,
    request,
)

REFUSED = tuple(request(number, float(number)) for number in range(12))
SERVED = (request(20, 12.5, Outcome.SUCCESS), request(21, 13.5, Outcome.SUCCESS))


def judged(*seen: Any, **fields: Any) -> tuple[Report, Wake]:
    report = judge(bundle(*seen, **fields))
    assert len(report.wakes) == 1
    return report, report.wakes[0]


def instants(wake: Wake) -> list[tuple[str, float | None, str]]:
    return [(one.name, None if one.stamp is None else one.stamp.seconds,
             (one.reason or "") if one.stamp is None else one.stamp.source) for one in wake.instants]


def test_each_instant_between_the_first_request_and_the_first_token_has_its_own_source() -> None:
    report, wake = judged(*AT_ZERO, *WOKEN, requests=REFUSED + SERVED)
    assert instants(wake) == [
        ("firstRequest", 0.0, "Request"), ("visible", 4.0, "Prometheus"), ("decided", 6.0, "Watch"),
        ("activated", 6.05, "Watch"), ("created", 6.2, "Watch"), ("scheduled", 6.4, "Watch"), ("started", 7.0, "Watch"),
        ("ready", 12.0, "Watch"), ("inEndpoints", 12.1, "Watch"), ("firstToken", 13.0, "Request")]
    assert [one.stamp and one.stamp.resolution_milliseconds for one in wake.instants][:3] == [1.0, 2000.0, 1.0]
    assert (wake.whole.milliseconds, wake.whole.plus_minus_milliseconds) == (13000.0, 2.0)
    assert (wake.pod, wake.scale_event, wake.at_zero_seconds, wake.served_seconds) == ("demo-server-a", 1, -20.0, 12.1)
    assert (wake.request_count, wake.fates, wake.outcomes) == (12, {"Refused": 12}, {"Refused": 12})
    assert report.summary.wake_milliseconds == 13000
    assert (report.summary.wake_request_count, report.summary.wake_failed_request_count) == (12, 12)


def test_a_scale_out_from_zero_counts_from_the_first_request_and_waits_for_kedas_poll() -> None:
    report, _ = judged(*AT_ZERO, *WOKEN, requests=REFUSED + SERVED)
    (one,) = report.scale_outs
    assert (one.begin, one.start_seconds, one.plus_minus_milliseconds) == ("DemandPassedSupply", 0.0, 2.0)
    assert [(bar.name, bar.milliseconds) for bar in one.bars][:3] == [
        ("lost-MetricDelay", 4000), ("poll", 2000), ("create", 200)]
    assert sum(bar.milliseconds for bar in one.bars) == one.total_milliseconds == 13_000


def test_the_fate_of_each_request_is_counted() -> None:
    requests = (
        request(0, 0), request(1, 1, Outcome.SERVER_ERROR, status=503), request(2, 2, Outcome.TIMED_OUT),
        request(3, 3, Outcome.STALLED), request(4, 4, Outcome.RESET_BEFORE_ANSWER),
        request(5, 5, Outcome.SUCCESS, first_token=at(13)),
        request(6, 6, Outcome.SUCCESS, first_token=at(14), first_attempt=Outcome.REFUSED),
        request(7, 7, Outcome.SERVER_ERROR, status=500), request(8, 12.2, Outcome.SUCCESS))
    report, wake = judged(*AT_ZERO, *WOKEN, requests=requests)
    assert wake.fates == {"Held": 1, "SentAgain": 1, "Refused": 2, "TimedOut": 2, "Lost": 2}
    assert (wake.request_count, wake.failed_count) == (8, 6)
    found = next(one for one in report.findings if one.name == "LostDuringWake")
    assert found.evidence == (
        "8 requests came before a replica served (0 replicas since -20 s): 1 held and served, "
        "1 served at a later attempt, 2 refused, 2 timed out, 2 lost in another way")


def test_requests_that_were_all_held_are_no_finding() -> None:
    held = tuple(request(number, number, Outcome.SUCCESS, first_token=at(13)) for number in range(5))
    report, wake = judged(*AT_ZERO, *WOKEN, requests=held)
    assert (wake.fates, wake.failed_count) == ({"Held": 5}, 0)
    assert "LostDuringWake" not in {one.name for one in report.findings}


def test_the_disabled_hpa_of_a_target_at_zero_is_no_missing_metric() -> None:
    report, _ = judged(*AT_ZERO, *WOKEN, requests=REFUSED + SERVED)
    assert "MetricMissing" not in {one.name for one in report.findings}
    blind = judge(bundle(*AT_ZERO[:2], autoscaler(-14, "FailedGetExternalMetric"), *WOKEN, requests=REFUSED + SERVED))
    assert "MetricMissing" in {one.name for one in blind.findings}


def test_a_target_that_nothing_wakes_is_a_finding_with_what_its_triggers_showed() -> None:
    seen = line("Node", 40, "ADDED", {"metadata": {"name": "n"}})
    report, wake = judged(*AT_ZERO, seen, requests=REFUSED, query=WAITING, samples=())
    assert (wake.scale_event, wake.served_seconds, wake.pod) == (None, None, None)
    assert (wake.whole.milliseconds, wake.whole.at_least_milliseconds) == (None, 40000.0)
    assert instants(wake) == [
        ("firstRequest", 0.0, "Request"), ("visible", None, "trigger 0: its query had no value"),
        ("decided", None, "not seen"), ("activated", None, "not seen"), ("firstToken", None, "not seen")]
    found = next(one for one in report.findings if one.name == "NeverWoke")
    assert found.evidence.endswith("12 refused; trigger 0: its query had no value")
    assert "reads only metrics of vLLM" in found.advice
    assert "ScalingNeverTriggered" not in {one.name for one in report.findings}


@pytest.mark.parametrize(("samples", "outcome", "reason"), [
    (((0, 0.0), (4, 0.0)), "Samples", "trigger 0: its highest value was 0, which does not exceed 0"),
    ((), "QueryFailed", "trigger 0: its query failed (HTTP Status Code 400)"),
    ((), "NoData", "trigger 0: its query had no value"),
])
def test_a_metric_that_showed_nothing_says_why(samples: Any, outcome: str, reason: str) -> None:
    _, wake = judged(*AT_ZERO, *WOKEN, requests=REFUSED, samples=samples, outcome=outcome)
    assert ("visible", None, reason) in instants(wake)


def test_what_a_formula_makes_of_the_triggers_is_not_known() -> None:
    scaler = {"type": "ScaledObject", "scaledObject": {
        "minReplicaCount": 0, "maxReplicaCount": 3, "advanced": {"scalingModifiers": {"formula": "a", "target": "2"}},
        "triggers": [{"type": "prometheus", "name": "a", "metadata": {"query": WAITING}}]}}
    _, wake = judged(*AT_ZERO, *WOKEN, requests=REFUSED, scaler=scaler)
    assert ("visible", None, "KEDA combines the triggers by a formula, whose value no API shows") in instants(wake)


def test_what_keda_acted_on_is_not_dated_after_it_acted() -> None:
    _, wake = judged(*AT_ZERO, *WOKEN, requests=REFUSED, samples=((4, 0.0), (8, 5.0)))
    assert ("visible", 6.0, "Prometheus") in instants(wake)


def test_a_target_that_is_at_zero_again_after_the_load_was_woken_once() -> None:
    _, wake = judged(*AT_ZERO, *WOKEN, deployment(60, 0), requests=REFUSED + SERVED)
    assert wake.number == 1


def test_a_target_that_is_woken_again_has_a_wake_for_each_sleep_and_the_leaving_pod_serves_none_of_it() -> None:
    late = (request(30, 60.2, Outcome.SUCCESS), request(31, 61), request(32, 62))
    report = judge(bundle(*AT_ZERO, *WOKEN, deployment(60, 0), deployment(64, 1), requests=REFUSED + SERVED + late))
    assert [(wake.at_zero_seconds, wake.request_count) for wake in report.wakes] == [(-20.0, 12), (60.0, 2)]
    assert report.wakes[1].pod is None


def test_a_run_that_was_never_at_zero_has_no_wake() -> None:
    report = judge(bundle(deployment(-20, 1, "ADDED"), deployment(6, 2), requests=SERVED))
    assert report.wakes == ()
    assert (report.summary.wake_milliseconds, report.summary.wake_request_count) == (None, None)


def test_a_second_autoscaler_of_the_target_is_named() -> None:
    other = autoscaler(-13, "AmbiguousSelector", "of-the-team", "x")
    report, _ = judged(*AT_ZERO, other, *WOKEN, requests=REFUSED)
    found = next(one for one in report.findings if one.name == "AutoscalerConflict")
    assert found.evidence.startswith("of-the-team scaled the Deployment demo-server")


def test_of_an_hpa_that_scales_from_zero_its_status_shows_the_metric() -> None:
    hpa = {"type": "HorizontalPodAutoscaler", "horizontalPodAutoscaler": {"minReplicas": 0, "maxReplicas": 3}}

    def status(seconds: float, value: str) -> Any:
        current = [{"type": "External", "external": {"current": {"averageValue": value}}}]
        return line("HorizontalPodAutoscaler", seconds, "MODIFIED", {
            "metadata": {"name": "demo-server", "ownerReferences": [{"uid": "t"}]},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "demo-server"}},
            "status": {"currentMetrics": current}})
    woken = (WOKEN[0], *WOKEN[2:])
    _, wake = judged(AT_ZERO[0], status(1, "0"), status(5, "3500m"), *woken, requests=REFUSED, scaler=hpa)
    assert ("visible", 5.0, "Watch") in instants(wake)
    assert "activated" not in {one.name for one in wake.instants}
