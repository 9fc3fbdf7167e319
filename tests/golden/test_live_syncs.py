"""Syncs of the live HPA controller of Kubernetes 1.35.4, as recorded in the lab, beside what its own log said of them.

`live-*.jsonl.zst`: the observations that the syncs are rebuilt from (objects cut to what is read of them); the first
line has the controller's proposals, from its log at verbosity 4. Nothing in them is ours but the stamps.
"""
from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard

from elastometer.analysis.autoscaler.fidelity import Fidelity, Share, fidelity
from elastometer.analysis.autoscaler.metrics import NOT_RECORDED
from elastometer.analysis.autoscaler.recording import recording_of
from elastometer.analysis.evidence.evidence import gather
from elastometer.hpa.recording import Recording
from elastometer.model.bundle import Bundle
from elastometer.model.observation import MetricsSeen, observation_from
from elastometer.model.terms import Terms
from elastometer.model.units import SECOND, parse_instant

HERE = Path(__file__).parent
# How many syncs, and how many of them left a write; at four of the outage the controller could propose nothing.
RUNS = {"keda": (39, 30), "cpu": (39, 38), "pods-outage": (17, 9)}
LOOK_SECONDS = 0.15


@dataclass(frozen=True)
class LiveRun:
    """One recorded run, and the log's lines about it: when, replicas, metric."""

    bundle: Bundle
    proposals: list[tuple[float, int, str]]


def live_run(name: str, *, readings: bool = True) -> LiveRun:
    with (HERE / f"live-{name}.jsonl.zst").open("rb") as packed:
        content = zstandard.ZstdDecompressor().stream_reader(packed).read()
    head, *lines = (json.loads(line) for line in content.splitlines())
    found = [observation_from(line) for line in lines]
    kept = tuple(one for one in found if one is not None and (readings or not isinstance(one, MetricsSeen)))
    start: Any = parse_instant(head["startTime"])
    bundle = Bundle(Terms(test=head["test"], namespace=head["namespace"]), start=start, observations=kept)
    return LiveRun(bundle, [(datetime.fromisoformat(when).timestamp() - start / SECOND, replicas, metric)
                         for when, replicas, metric in head["proposals"]])


def replayed(run: LiveRun) -> Fidelity:
    recording = recording_of(gather(run.bundle))
    assert isinstance(recording, Recording), recording
    return fidelity(recording)


@pytest.mark.parametrize("name", RUNS)
def test_every_sync_is_decided_as_by_the_live_controller(name: str) -> None:
    found = replayed(live_run(name))
    syncs, seen = RUNS[name]
    assert [(one.sync.input.at, one.differences, one.cause) for one in found.misses] == []
    assert (found.all, found.seen, found.inferred) == (
        Share(syncs, syncs), Share(seen, seen), Share(syncs - seen, syncs - seen))


@pytest.mark.parametrize("name", RUNS)
def test_every_proposal_is_in_the_controllers_log_at_its_instant(name: str) -> None:
    run = live_run(name)
    ours = [one for one in replayed(run).syncs if one.decision.account.raw is not None]
    assert [one.decision.account.raw for one in ours] == [replicas for _, replicas, _ in run.proposals]
    for one, (at, _, metric) in zip(ours, run.proposals, strict=True):
        assert abs(one.sync.input.at - at) < LOOK_SECONDS
        index = one.decision.account.metric
        assert index is not None
        assert one.decision.account.proposals[index].name in metric


def test_without_the_recorders_readings_only_syncs_with_uncounted_samples_are_missed() -> None:
    """An older bundle: a Pod that is Ready is taken to have a sample, and CPU of a fresh one does not count."""
    found = replayed(live_run("cpu", readings=False))
    assert 0 < len(found.misses) < 10
    assert {one.sync.doubts[0] for one in found.misses} == {NOT_RECORDED}
