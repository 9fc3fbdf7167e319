"""The autoscaler's section of a whole run, and of runs with something missing or broken.

    the synthetic run: syncs every 15 s from -16.8 on; 1 → 2 → 3 → 4 at 58, 73 and 88 s, 4 → 2 → 1 at 193 and 208 s
"""
from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from elastometer.analysis.analyze import judge
from elastometer.analysis.autoscaler.explain_run import explain_run
from elastometer.analysis.evidence.evidence import gather
from elastometer.model.autoscaler import AutoscalerAccount, Cause, ScaleAccount
from elastometer.model.bundle import Bundle, SeriesName
from elastometer.model.observation import ObjectKind, ObjectSeen, Observation
from elastometer.render.files import render_all
from elastometer.world.bundle_reader import load_bundle
from support.synthetic.run import write_run

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(write_run(tmp_path_factory.mktemp("run")))


def account_of(bundle: Bundle) -> AutoscalerAccount:
    return explain_run(gather(bundle))


def edited(bundle: Bundle, edit: Edit, moment: float | None = None) -> Bundle:
    """The bundle with every line of the autoscaler edited, or those within half a second of a moment."""
    def lines() -> Iterator[Observation]:
        for line in bundle.observations:
            if isinstance(line, ObjectSeen) and line.kind is ObjectKind.AUTOSCALER and (
                    moment is None or abs((line.received - (bundle.start or 0)) / 1e9 - moment) < 0.5):
                document = json.loads(json.dumps(line.object))
                edit(document)
                yield replace(line, object=document)
            else:
                yield line
    return replace(bundle, observations=tuple(lines()))


def lost(account: ScaleAccount) -> dict[str, float | None]:
    return {loss.cause.value: loss.milliseconds for loss in account.losses}


def test_the_run_is_reproduced_whole(bundle: Bundle):
    fidelity = account_of(bundle).fidelity
    assert fidelity is not None
    assert (fidelity.syncs, fidelity.seen, fidelity.inferred, fidelity.percent) == (18, 10, 8, 100.0)


def test_requests_show_the_need_and_prometheus_shows_when_it_was_readable(bundle: Bundle):
    """The third request waits at 55.31 s, the scrape of 56 s shows it, the sync of 58.21 s reads it."""
    first = account_of(bundle).changes[0]
    assert (first.needed_seconds, first.written_seconds) == (55.31, 58.214)
    assert lost(first) == {"MetricDelay": 690.0, "SyncWait": 2214.0}
    assert first.losses[0].source == "Request, Prometheus"
    assert first.losses[0].plus_minus_milliseconds == 2001.0


def test_without_the_requests_the_delay_of_the_metric_is_not_known_and_the_wait_is(bundle: Bundle):
    first = account_of(replace(bundle, requests=())).changes[0]
    assert lost(first) == {"MetricDelay": None, "SyncWait": 2214.0}
    assert first.whole.at_least_milliseconds == 2214.0
    assert first.whole.reason == "the signal itself was not recorded"


def test_without_prometheus_only_a_sample_could_say_how_old_the_number_was(bundle: Bundle):
    """Older bundles hold no samples either: what the sync is given in their place is no evidence of an age."""
    kept = tuple(one for one in bundle.series if one.name != SeriesName.WAITING)
    first = account_of(replace(bundle, series=kept)).changes[0]
    assert lost(first) == {"MetricDelay": None, "SyncWait": None}
    assert first.whole.at_least_milliseconds == 0.0
    assert first.whole.reason is not None
    assert first.whole.reason.startswith("the signal itself was not recorded; the need began within the 15.0 s")


def test_a_status_that_the_replay_does_not_make_is_a_miss_and_leaves_its_seconds_unattributed(bundle: Bundle):
    """At 73 s the live controller is made to have stayed at 2 replicas, for a reason that nobody knows."""
    def stay(document: dict[str, Any]) -> None:
        document["status"]["desiredReplicas"] = 2
        document["status"]["conditions"][0]["reason"] = "ReadyForNewScale"
    other = edited(bundle, stay, moment=73.2)
    account = account_of(other)
    assert account.fidelity is not None
    assert account.fidelity.percent == pytest.approx(100 * 17 / 18)
    miss, = account.fidelity.misses
    assert miss.differences[0] == "replicas: live 2, replayed 3"
    assert Cause.UNATTRIBUTED in {one.cause for one in account.held}
    text = render_all(judge(other))["report.md"].decode()
    assert "17 of 18 syncs (94.44 %)" in text
    assert "replicas: live 2, replayed 3" in text.split("## Syncs that the replay does not reproduce")[1]


def without_autoscaler(bundle: Bundle) -> Bundle:
    kept = (line for line in bundle.observations
            if not (isinstance(line, ObjectSeen) and line.kind is ObjectKind.AUTOSCALER))
    return replace(bundle, observations=tuple(kept))


def test_a_run_without_an_autoscaler_says_so_in_every_file(bundle: Bundle):
    none = without_autoscaler(bundle)
    none = replace(none, terms=replace(none.terms, scaler="None"))
    report = judge(none)
    assert report.autoscaler.reason == "the test has no autoscaler (`autoscaler.type: None`)"
    files = render_all(report)
    assert b"There is no decision account of the autoscaler: the test has no autoscaler" in files["report.md"]
    assert b"There is no decision account of the autoscaler: the test has no autoscaler" in files["report.html"]
    assert json.loads(files["report.json"])["autoscaler"]["rows"] == []


@pytest.mark.parametrize(("edit", "reason"), [
    (lambda one: one.pop("spec"), "could not be parsed"),
    (lambda one: one["spec"]["metrics"][0].update(type="Weather"), "could not be parsed"),
    (lambda one: one["spec"]["metrics"][0]["pods"]["target"].update(averageValue="many"), "could not be parsed"),
    (lambda one: one["spec"].update(minReplicas=9), "could not be parsed"),
    (lambda one: one.pop("status"), "wrote no status"),
    (lambda one: one.update(status="fine"), "wrote no status"),
])
def test_a_broken_autoscaler_fails_no_run_and_says_what_is_wrong(bundle: Bundle, edit: Edit, reason: str):
    report = judge(edited(bundle, edit))
    assert report.autoscaler.reason is not None
    assert reason in report.autoscaler.reason
    assert report.verdict == judge(bundle).verdict


@pytest.mark.parametrize("edit", [
    lambda one: one["status"].update(currentMetrics=[{"type": "Pods", "pods": {"current": {"averageValue": "x"}}}]),
    lambda one: one["status"].update(currentMetrics=7, conditions="none", desiredReplicas="4"),
    lambda one: one["status"].update(currentReplicas=-1),
])
def test_a_broken_status_fails_no_run(bundle: Bundle, edit: Edit):
    report = judge(edited(bundle, edit, moment=73.2))
    assert report.verdict == judge(bundle).verdict
    assert report.autoscaler.reason is None or "could not be parsed" in report.autoscaler.reason
