"""Each instant of a start that fell into a watch gap, with and without what else bounds it.

    the synthetic run: decided at 58.214 s, created 58.262, HTTP up 68.991, Ready 69.403, first token 69.9
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from elastometer.analysis.analyze import judge
from elastometer.analysis.run import derive_run
from elastometer.analysis.starts.coldstart import Start
from elastometer.model.bundle import Bundle
from elastometer.model.document import text_at
from elastometer.model.measurements import Source
from elastometer.model.milestones import Milestone
from elastometer.model.observation import (
    RESTARTED,
    LogSeen,
    ObjectKind,
    ObjectSeen,
    Observation,
    Sighting,
    WatchGap,
)
from elastometer.model.report import Verdict
from elastometer.model.units import SECOND, format_instant
from elastometer.world.bundle_reader import load_bundle
from support.synthetic.run import write_run
from support.watch_gaps import cut, cut_often

FIRST = "lm4zt"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(write_run(tmp_path_factory.mktemp("run")))


def without(bundle: Bundle, gone: Callable[[Observation], bool]) -> Bundle:
    return replace(bundle, observations=tuple(line for line in bundle.observations if not gone(line)))


def is_event(line: Observation, reason: str) -> bool:
    return isinstance(line, ObjectSeen) and line.kind is ObjectKind.EVENT and text_at(line.object, "reason") == reason


def start_of(bundle: Bundle) -> Start:
    return next(one for one in derive_run(bundle).starts if one.pod.name.endswith(FIRST))


def seconds(bundle: Bundle, name: Milestone) -> tuple[float, float, Source]:
    """The instant, its ± and its source."""
    seen = start_of(bundle).used[name]
    return round((seen.instant - (bundle.start or 0)) / SECOND, 3), round(seen.resolution / SECOND, 3), seen.source


def test_a_ready_in_a_gap_is_known_to_the_apis_second(bundle: Bundle):
    assert seconds(bundle, Milestone.READY) == (69.403, 0.001, Source.WATCH)
    assert seconds(cut(bundle, 68, 71), Milestone.READY) == (69.5, 0.5, Source.API)


def test_a_creation_in_a_gap_is_known_to_the_apis_second(bundle: Bundle):
    assert seconds(cut(bundle, 57, 61, "pods"), Milestone.CREATED) == (58.5, 0.5, Source.API)


def test_a_decision_in_a_gap_is_known_to_the_second_of_its_event_or_to_the_gap_and_a_second(bundle: Bundle):
    gapped = cut(bundle, 57, 61)
    assert seconds(gapped, Milestone.DECIDED) == (58.5, 0.5, Source.API)
    silent = without(gapped, lambda line: is_event(line, "SuccessfulRescale"))
    assert seconds(silent, Milestone.DECIDED) == (59.0, 3.0, Source.WATCH)


def test_a_place_in_a_slice_is_bounded_by_the_gap_by_ready_and_by_the_first_token(bundle: Bundle):
    exact, _, _ = seconds(bundle, Milestone.IN_ENDPOINTS)
    middle, half, source = seconds(cut(bundle, 66, 75, "endpointslices"), Milestone.IN_ENDPOINTS)
    assert source is Source.WATCH
    assert middle - half == pytest.approx(69.402 - 1, abs=0.01)
    assert middle - half <= exact <= middle + half < 75


def test_without_its_log_a_server_is_ready_no_earlier_than_the_gap_began(bundle: Bundle):
    """A gap of 35 s is long enough to become Ready, lose it and become Ready again: only bounds are left."""
    silent = without(bundle, lambda line: isinstance(line, LogSeen))
    middle, half, _ = seconds(cut(bundle, 60, 95), Milestone.READY)
    assert (middle, half) == (pytest.approx(69.0, abs=0.02), pytest.approx(1, abs=0.02))
    assert seconds(cut(silent, 60, 95), Milestone.READY)[:2] == (65.0, 5.0)


def test_a_pod_that_was_ready_within_a_gap_and_not_after_it_was_first_ready_in_the_gap(bundle: Bundle):
    """Not Ready before the gap, nor after it, but since another time: it was Ready in between."""
    assert bundle.start is not None
    back = format_instant(bundle.start + 66 * SECOND, 0)

    def lost(line: Observation) -> Observation:
        if not (isinstance(line, ObjectSeen) and line.sighting is Sighting.LISTED and line.name.endswith(FIRST)):
            return line
        status = {**line.object["status"], "conditions": [
            {**one, "lastTransitionTime": back} if one["type"] == "Ready" else one
            for one in line.object["status"]["conditions"]]}
        return replace(line, object={**line.object, "status": status})
    pods = [line for line in bundle.observations if isinstance(line, ObjectSeen) and line.name.endswith(FIRST)
            and line.kind is ObjectKind.POD]
    again = replace(pods[2], received=bundle.start + 67 * SECOND, sighting=Sighting.LISTED)
    gapped = cut(bundle, 61, 67)
    silent = without(replace(gapped, observations=(*gapped.observations, again)),
                     lambda line: isinstance(line, LogSeen))
    found = replace(silent, observations=tuple(map(lost, silent.observations)))
    middle, half, _ = seconds(found, Milestone.READY)
    assert (middle - half, middle + half) == (pytest.approx(61, abs=0.01), pytest.approx(67, abs=0.01))


def test_a_pod_that_served_but_was_never_seen_ready_was_so_before_its_first_token(bundle: Bundle):
    def is_ready(line: Observation) -> bool:
        return isinstance(line, ObjectSeen) and line.kind is ObjectKind.POD and line.name.endswith(FIRST) and \
            line.received > (bundle.start or 0) + 65 * SECOND
    middle, half, source = seconds(without(bundle, is_ready), Milestone.READY)
    assert source is Source.REQUEST
    assert middle - half <= 69.403 <= middle + half
    assert half < 2


def test_changes_within_one_gap_are_counted_by_their_events(bundle: Bundle):
    """1 → 2 → 3 at 58.2 and 73.2 s, of which the watch shows 1 → 3."""
    assert [(one.before, one.after) for one in derive_run(cut(bundle, 57, 75)).changes][:2] == [(1, 2), (2, 3)]
    silent = without(cut(bundle, 57, 75), lambda line: is_event(line, "SuccessfulRescale"))
    assert [(one.before, one.after) for one in derive_run(silent).changes][:1] == [(1, 3)]


def test_what_a_sync_in_a_gap_decided_is_not_replayed_from_values_of_before(bundle: Bundle):
    """2 → 3 was held by a policy from 58.2 s on. Without that sync its 15 s belong to no cause, not to a wait."""
    exact, hidden = (judge(one).autoscaler.changes for one in (bundle, cut(bundle, 57, 61)))
    causes = [{loss.cause.value: loss.milliseconds for loss in account.losses}
              for changes in (exact, hidden) for account in changes if account.to_replicas == 3]
    assert causes[0]["Policy"] == pytest.approx(15_000, abs=100)
    assert causes[1]["Unattributed"] == pytest.approx(15_000, abs=100)
    assert causes[1]["SyncWait"] < 1000
    first = judge(cut(bundle, 57, 61)).scale_outs[0]
    assert first.bars[0].name == "unattributed"
    assert first.bars[0].note == "nothing was watched for 4.0 s: only the API's second of the change is known"


def test_an_older_event_of_the_same_size_does_not_date_a_change_in_a_gap(bundle: Bundle):
    """4 → 2 at 193 s: the event of 1 → 2 at 58 s is of another change."""
    def late(line: Observation) -> bool:
        return is_event(line, "SuccessfulRescale") and line.received > (bundle.start or 0) + 150 * SECOND
    change = derive_run(without(cut(bundle, 190, 196), late)).changes[3]
    assert (change.before, change.after, change.written) == (4, 2, None)


def test_a_cold_start_of_ten_seconds_passes_against_thirty_in_a_run_of_twenty_kills(bundle: Bundle):
    """The case of the issue: gaps of 1 to 5 s, all within the minute of the scale-outs."""
    found = judge(cut_often(bundle, 20, 11, (50.0, 110.0)))
    assert len(found.quality.gaps) == 20
    cold = next(one for one in found.objectives if one.indicator == "ColdStart")
    assert cold.verdict is Verdict.PASS
    widened = [one.cold_start for one in found.cold_starts if one.cold_start.note]
    assert widened
    assert all(one.plus_minus_milliseconds > 100 for one in widened)


@pytest.mark.parametrize(("reason", "expected"), [
    pytest.param(RESTARTED, (69.403, 0.001, Source.WATCH), id="a killed operator stamped what it still wrote"),
    pytest.param("the operator was stalled", (69.5, 0.5, Source.API), id="a stalled one may have read it late"),
])
def test_a_line_from_between_the_last_heartbeat_and_the_kill_is_exact(
    bundle: Bundle, reason: str, expected: tuple[float, float, Source],
):
    """Ready at 69.403 s; the last heartbeat was at 68.9, the kill at 69.45, and at 72 all was watched again."""
    def of_operator(line: Observation) -> Observation:
        beat = (bundle.start or 0) + round(68.9 * SECOND)
        return replace(line, start=beat, reason=reason) if isinstance(line, WatchGap) else line
    gapped = cut(bundle, 69.45, 72)
    killed = replace(gapped, observations=tuple(map(of_operator, gapped.observations)))
    assert seconds(killed, Milestone.READY) == expected


def test_a_gap_in_the_record_alone_hides_what_came_within_it(bundle: Bundle):
    """Lines that an operator read when it came back from a stall have the time at which it read them."""
    start = bundle.start or 0
    gap = WatchGap(start + 70 * SECOND, "*", start + 68 * SECOND, start + 70 * SECOND, "the operator was stalled")
    stalled = replace(bundle, observations=(*bundle.observations, gap))
    assert seconds(stalled, Milestone.READY) == (69.5, 0.5, Source.API)
