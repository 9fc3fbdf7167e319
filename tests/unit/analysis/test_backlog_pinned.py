"""Requests that wait on one replica while others have free slots: worlds worked out by hand, and a slow count."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elastometer.analysis.evidence.evidence import Evidence, PodHistory
from elastometer.analysis.evidence.replicas import replica_curves
from elastometer.analysis.evidence.slots import slots_of
from elastometer.analysis.findings.backlog import backlog_findings
from elastometer.analysis.requests import backlog, pinned_levels
from elastometer.analysis.requests.backlog import PinnedBacklog, pinned_backlog
from elastometer.model.bundle import LabelledSamples, SeriesName
from elastometer.model.findings import FindingName, Severity
from elastometer.model.observation import ObjectKind, ObjectSeen, Sighting, WatchGap
from elastometer.model.report import Finding
from elastometer.model.request import RecordedRequest
from elastometer.model.request_table import RequestRows, table_of
from elastometer.model.terms import Terms
from elastometer.model.units import SECOND
from elastometer_loadgen.base.record import Outcome

# (Pod, sent, first token, end) in seconds.
Row = tuple[str | None, float, float, float]
SPEC = {"spec": {"target": {"model": {"name": "m"}, "server": {"image": "vllm/vllm-openai:v0.33.0",
                                                              "args": ["--max-num-seqs=4"]}}}}


def instant(seconds: float) -> int:
    return round(seconds * SECOND)


def request(number: int, row: Row) -> RecordedRequest:
    pod, sent, first, end = row
    return RecordedRequest(
        id=number, worker=0, stage="s", task="t", intended=instant(sent), send=instant(sent), connect=None,
        first_byte=instant(first), first_token=instant(first), last_token=instant(end), end=instant(end), chunks=2,
        prompt_tokens=1, completion_tokens=2, first_chunks=1, status=200, finish_reason="stop", outcome=Outcome.SUCCESS,
        error=None, pod=pod, address=None, fingerprint=None, first_attempt=None, checks={})


def pod(name: str, ready: float) -> PodHistory:
    state = {"metadata": {"name": name}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    line = ObjectSeen(instant(ready), ObjectKind.POD, Sighting.MODIFIED, state)
    return PodHistory(name, name, (line,))


def world(rows: Iterable[Row], spec: Any = SPEC, terms: Terms | None = None, **ready: float) -> Evidence:
    """Pods that are Ready from an instant on, watched until 100 s."""
    records = tuple(request(number, row) for number, row in enumerate(rows))
    return Evidence(
        terms=terms or Terms(), origin=0, has_origin=True, spec=spec, requests=RequestRows(table_of(records)),
        pods=tuple(pod(name, at) for name, at in ready.items()), last_seen=instant(100))


def waves(name: str = "first") -> list[Row]:
    """Twenty requests at 0 s on one replica of four slots, each of which takes 5 s: five waves of four."""
    return [(name, 0.0, 5.0 * wave + 1, 5.0 * wave + 5) for wave in range(5) for _ in range(4)]


def findings(evidence: Evidence) -> list[Finding]:
    return list(backlog_findings(evidence, replica_curves(evidence).ready_spans))


def counted(evidence: Evidence) -> PinnedBacklog:
    slots = slots_of(evidence)
    assert slots is not None
    found = pinned_backlog(evidence.table, slots.number,
                           {one.name: [(one.sightings[0].received, instant(100))] for one in evidence.pods})
    assert found is not None
    return found


def test_a_backlog_beside_an_idle_replica_is_counted_exactly() -> None:
    """Waiting on the first: 16, 12, 8, 4 for 5 s each, 200 request-seconds. The second is Ready from 10 s, with 4 free
    slots: min(8, 4) and min(4, 4) for 5 s each are 40; beyond a queue of 4 it is min(4, 4) for 5 s. The fourth and the
    fifth wave wait in that time, for 5 and 10 s."""
    found = counted(world(waves(), first=-60.0, second=10.0))
    assert (found.seconds, found.first, found.last) == (10.0, instant(10), instant(20))
    assert (found.pod, found.most_waiting, found.most_free, found.requests) == ("first", 8, 4, 8)
    assert (found.waiting, found.beside_free_slots, found.beyond_limit) == (200.0, 40.0, 20.0)
    assert (found.first_token_p95, found.others_first_token_p95) == (instant(21), instant(11))


def test_the_finding_names_the_replica_the_seconds_the_requests_and_what_would_have_helped() -> None:
    (one,) = findings(world(waves(), first=-60.0, second=10.0))
    assert (one.name, one.severity) == (FindingName.BACKLOG_PINNED, Severity.PROBLEM)
    assert one.evidence == (
        "For 10 s between +10 and +20 s, requests waited on a replica while another Ready one had free slots (each has "
        "4: the server's argument --max-num-seqs=4): up to 8 at once on first, beside up to 4 free slots. 8 of 20 "
        "requests waited so for a second or more; p95 of their first token is 21.0 s, that of all other requests "
        "11.0 s")
    assert "In all, requests waited 200 request-seconds in the queues of replicas. For 40 of these a slot" in one.advice
    assert "With a queue limit of 4 a replica, beyond which another one is tried, it would have used 20" in one.advice
    assert "For the other 160 no slot was free: only headroom helps those" in one.advice
    assert "keeps its connections" not in one.advice


def test_connections_that_are_kept_are_named() -> None:
    (one,) = findings(world(waves(), terms=replace(Terms(), connection="Reuse"), first=-60.0, second=10.0))
    assert "The load keeps its connections (`Reuse`), and all requests of one go to one replica." in one.advice


def test_a_backlog_that_all_replicas_share_is_no_finding() -> None:
    assert (findings(world([*waves(), *waves("second")], first=-60.0, second=-60.0))) == []


def test_mostly_too_few_replicas_is_a_warning_and_not_a_problem() -> None:
    """Four more in the last wave, and a second replica that is Ready from 15 s: min(8, 4) and min(4, 4) for 5 s each,
    40 of 300 request-seconds."""
    (one,) = findings(world([*waves(), *waves()[-4:]], first=-60.0, second=15.0))
    assert one.severity is Severity.WARNING


@pytest.mark.parametrize("evidence", [
    world(waves(), spec={}, first=-60.0, second=10.0),
    world(waves(), first=-60.0),
    world([(None, *row[1:]) for row in waves()], first=-60.0, second=10.0),
    world([("first", 10.0 * turn, 10.0 * turn + 1, 10.0 * turn + 5) for turn in range(9)], first=0.0, second=0.0),
    world([], first=-60.0, second=10.0),
    replace(world(waves(), first=-60.0, second=10.0), gaps=(WatchGap(0, "pods", instant(9), instant(90), "lost"),)),
], ids=["slots unknown", "one replica", "Pods unknown", "nothing waits", "no requests", "not watched"])
def test_nothing_is_claimed_where_nothing_is_known(evidence: Evidence) -> None:
    assert findings(evidence) == []


def samples(**values: Sequence[float]) -> dict[str, tuple[LabelledSamples, ...]]:
    return {name: (LabelledSamples({"pod": name}, tuple((instant(5.0 * number), value)
                                                        for number, value in enumerate(found))),)
            for name, found in values.items()}


def test_slots_are_those_of_a_replica_that_ran_full_while_requests_waited_there() -> None:
    """The second ran six while nothing waited there, so it may have more slots than that."""
    scraped = {SeriesName.WAITING.value: samples(first=[0, 3, 1], second=[0, 0, 0]),
               SeriesName.RUNNING.value: samples(first=[2, 4, 4], second=[6, 5, 1])}
    found = slots_of(replace(world([], spec={}), series_of=scraped))
    assert found is not None
    assert found == (4, "the most that ran on a replica while others waited there")


def slow(rows: Sequence[Row], slots: int, ready: dict[str, tuple[int, int]]) -> tuple[float, float, float, float]:
    """(pinned seconds, waiting, beside free slots, beyond one batch), counted between every two instants."""
    edges = sorted({time for _, sent, _, end in rows for time in (sent, end)} | {
        float(time) for span in ready.values() for time in span})
    total = [0.0] * 4
    for left, right in pairwise(edges):
        count = {name: sum(row[0] == name and row[1] <= left and row[3] > left for row in rows) for name in ready}
        waiting = sum(max(0, one - slots) for one in count.values())
        beyond = sum(max(0, one - 2 * slots) for one in count.values())
        free = sum(max(0, slots - one) for name, one in count.items() if ready[name][0] <= left < ready[name][1])
        for place, height in enumerate((min(1, waiting, free), waiting, min(waiting, free), min(beyond, free))):
            total[place] += height * (right - left)
    return total[0], total[1], total[2], total[3]


ROW = st.tuples(st.sampled_from("abc"), st.integers(0, 20), st.integers(0, 3), st.integers(0, 9))


@settings(max_examples=150, deadline=None)
@given(st.lists(ROW, max_size=25), st.integers(1, 3),
       st.dictionaries(st.sampled_from("abc"), st.integers(-5, 15), min_size=3))
def test_areas_are_those_of_a_slow_count(
    drawn: list[tuple[str, int, int, int]], slots: int, begun: dict[str, int],
) -> None:
    rows = [(name, float(sent), float(sent + first), float(sent + first + rest)) for name, sent, first, rest in drawn]
    ready = {name: (start, 25) for name, start in begun.items()}
    table = table_of([request(number, row) for number, row in enumerate(rows)])
    found = pinned_backlog(table, slots, {name: [(instant(low), instant(high))] for name, (low, high) in ready.items()})
    expected = slow(rows, slots, ready)
    if found is None:
        assert expected[0] == 0
    else:
        assert (found.seconds, found.waiting, found.beside_free_slots, found.beyond_limit) == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=25), st.integers(1, 3), st.integers(2, 20),
       st.dictionaries(st.sampled_from("abc"), st.integers(-5, 15), min_size=3))
def test_a_long_run_is_counted_in_pieces_as_in_one(
    drawn: list[tuple[str, int, int, int]], slots: int, piece: int, begun: dict[str, int],
) -> None:
    table = table_of([request(number, (name, float(sent), float(sent + first), float(sent + first + rest)))
                      for number, (name, sent, first, rest) in enumerate(drawn)])
    ready = {name: [(instant(start), instant(25))] for name, start in begun.items()}
    whole = pinned_backlog(table, slots, ready)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backlog, "PIECE", piece)
        patch.setattr(pinned_levels, "PIECE", piece)
        assert pinned_backlog(table, slots, ready) == whole
