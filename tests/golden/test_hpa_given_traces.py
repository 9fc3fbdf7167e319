"""Decisions of the real controller of Kubernetes 1.35.4, which nobody here wrote: the model must agree with each."""

from pathlib import Path

import orjson
import pytest

from elastometer.hpa.replay import CONDITIONS, DECISIONS, EVENTS, replay
from elastometer.hpa.trace import recording_from

TRACES = Path(__file__).parent.parent / "oracle" / "given-traces.jsonl"
LINES = TRACES.read_bytes().splitlines()


def test_there_are_traces_to_agree_with() -> None:
    assert len(LINES) == 12
    assert sum(len(orjson.loads(line)["syncs"]) for line in LINES) == 1122


@pytest.mark.parametrize("line", LINES, ids=lambda line: str(orjson.loads(line)["name"]))
def test_every_decision_condition_and_event_is_the_controllers(line: bytes) -> None:
    recording = recording_from(orjson.loads(line))
    result = replay(recording)
    assert result.divergence is None
    for part in (DECISIONS, CONDITIONS, EVENTS):
        assert result.agreement[part].same == result.agreement[part].of == len(recording.syncs)
