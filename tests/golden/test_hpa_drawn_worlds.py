"""Decisions of the real controller in worlds drawn by tests/oracle: hand-made scaling, failures, odd numbers."""

from pathlib import Path

import pytest

from elastometer.hpa.recording import Recording
from elastometer.hpa.replay import PARTS, replay
from elastometer.world.trace_reader import read_recordings

WORLDS = Path(__file__).parent.parent / "oracle" / "data" / "drawn-worlds.jsonl.zst"
RECORDINGS = list(read_recordings(WORLDS))


def test_the_sample_has_forty_worlds_with_thousands_of_syncs():
    assert len(RECORDINGS) == 40
    assert sum(len(recording.syncs) for recording in RECORDINGS) > 3000


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.name)
def test_decision_condition_event_and_account_are_the_controllers_at_every_sync(recording: Recording):
    result = replay(recording)
    assert result.divergence is None
    for part in PARTS:
        assert result.agreement[part].same == result.agreement[part].of == len(recording.syncs)


def test_the_sample_has_what_the_given_traces_lack():
    inputs = [sync.input for recording in RECORDINGS for sync in recording.syncs]
    metrics = [metric for recording in RECORDINGS for metric in recording.spec.metrics]
    assert {metric.type.value for metric in metrics} == {"Resource", "ContainerResource", "Pods", "Object", "External"}
    assert any(seen.scale_error for seen in inputs)
    assert any(seen.update_error for seen in inputs)
    assert any(sync.restarted for recording in RECORDINGS for sync in recording.syncs)
    assert any(recording.spec.minimum == 0 for recording in RECORDINGS)
