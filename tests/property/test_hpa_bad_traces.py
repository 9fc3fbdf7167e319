"""A trace in which anything may be wrong is either understood and decided or refused in words; nothing else happens."""

import copy
import random
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from elastometer.hpa.replay import replay
from elastometer.hpa.trace import recording_from
from elastometer.model.errors import SpecError

LINES = (Path(__file__).parent.parent / "oracle" / "given-traces.jsonl").read_bytes().splitlines()
ODD = [None, 0, -1, 1, 7.5, 1e300, -1e14, "", "x", "0", "-5", "500m", "9E", "1e999999999", "-99999999999999999999Ei",
       True, [], {}, ["a"], [{}], 2**31 - 1, 2**63, "Pods", "Running", {"error": "e"}, {"values": ["1"]},
       "\ud800"]


def short(line: bytes) -> dict[str, Any]:
    trace: dict[str, Any] = orjson.loads(line)
    return {**trace, "syncs": trace["syncs"][:6], "expected": trace["expected"][:6]}


TRACES = [short(line) for line in LINES]


def corrupted(number: int, seed: int, places: int) -> dict[str, Any]:
    """Puts something odd into some places, or removes them."""
    rng, trace = random.Random(seed), copy.deepcopy(TRACES[number])
    for _ in range(places):
        node: Any = trace
        while True:
            key = rng.choice(list(node) if isinstance(node, dict) else range(len(node)))
            if not isinstance(node[key], dict | list) or not node[key] or rng.random() < 0.1:
                break
            node = node[key]
        if rng.random() < 0.2:
            del node[key]
        else:
            node[key] = copy.deepcopy(rng.choice(ODD))
        if not trace:
            break
    return trace


def flaws_of(trace: dict[str, Any]) -> tuple[str, ...]:
    """Why the trace is refused; empty if it was decided."""
    try:
        recording = recording_from(trace)
    except SpecError as error:
        return error.flaws
    assert len(replay(recording).decisions) == len(recording.syncs)
    return ()


@given(st.integers(0, len(TRACES) - 1), st.integers(0, 2**32), st.integers(1, 3))
def test_a_corrupted_trace_is_decided_or_refused_in_words(number: int, seed: int, places: int):
    for flaw in flaws_of(corrupted(number, seed, places)):
        assert (": must " in flaw and ", is " in flaw) or ": is not a known field" in flaw


def test_some_corrupted_traces_are_refused_and_some_are_not():
    found = [bool(flaws_of(corrupted(0, seed, 1))) for seed in range(40)]
    assert any(found)
    assert not all(found)
