"""Judgement of a whole run, and of runs with something missing.

    the synthetic run: 1 → 2 → 3 → 4 replicas at 58, 73 and 88 s, 4 → 2 → 1 at 193 and 208 s (tests/golden)
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from elastometer.analysis.analyze import judge
from elastometer.analysis.evidence.scaling import metric_lines
from elastometer.model.bundle import Bundle
from elastometer.model.document import text_at
from elastometer.model.measurements import ColdStart, Source
from elastometer.model.observation import LogSeen, ObjectKind, ObjectSeen, Observation, Sighting, WatchGap
from elastometer.model.price import AlternativeName, Part
from elastometer.model.report import AwayBand, Report, Verdict
from elastometer.model.request import Interruption, generator_from
from elastometer.model.terms import Terms
from elastometer.model.units import SECOND, instant_or_none
from elastometer.render.sections.quality import quality_rows
from elastometer.world.bundle_reader import load_bundle
from support.synthetic.run import write_run


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    found = load_bundle(write_run(tmp_path_factory.mktemp("run")))
    assert len(found.requests) == 623, "the synthetic run must have its requests"
    return found


@pytest.fixture(scope="module")
def report(bundle: Bundle) -> Report:
    return judge(bundle)


def without(bundle: Bundle, gone: Callable[[Observation], bool]) -> Bundle:
    return replace(bundle, observations=tuple(line for line in bundle.observations if not gone(line)))


def with_gap(bundle: Bundle, start: float, end: float, resource: str = "*") -> Bundle:
    assert bundle.start is not None
    gap = WatchGap(bundle.start + round(end * SECOND), resource, bundle.start + round(start * SECOND),
                   bundle.start + round(end * SECOND), "the API server was gone")
    return replace(bundle, observations=(*bundle.observations, gap))


def added(report: Report, event: int) -> ColdStart:
    return next(one for one in report.cold_starts if one.scale_event == event)


def is_pod(line: Observation, name: str = "") -> bool:
    return isinstance(line, ObjectSeen) and line.kind is ObjectKind.POD and name in line.name


def test_every_change_of_the_replicas_is_an_event_with_writer_two_stamps_and_reason(report: Report):
    assert [(one.from_replicas, one.to_replicas) for one in report.scale_events] == [
        (1, 2), (2, 3), (3, 4), (4, 2), (2, 1)]
    first = report.scale_events[0]
    assert (first.seen.seconds, first.seen.source, first.writer) == (58.214, Source.WATCH, "kube-controller-manager")
    assert first.written is not None
    assert (first.written.time, first.written.source) == ("2026-03-04T10:00:58.000Z", Source.EVENT)
    assert first.reason == "pods metric vllm_num_requests_waiting above target"
    assert "ScalingLimited=True (ScaleUpLimit)" in first.conditions
    assert first.metrics == ("vllm_num_requests_waiting 5 (target 2)",)


def test_a_metric_with_a_utilization_is_shown_as_one_next_to_its_target():
    target, current = {"averageUtilization": 80}, {"averageUtilization": 147, "averageValue": "220m"}
    hpa = {"spec": {"metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]},
           "status": {"currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": current}}]}}
    seen = ObjectSeen(0, ObjectKind.AUTOSCALER, Sighting.MODIFIED, hpa)
    assert metric_lines(seen) == ("cpu 147 % (target 80 %)",)


def test_the_creation_of_the_target_is_no_scale_event(report: Report):
    assert (report.summary.scale_out_count, report.summary.scale_in_count) == (3, 2)


def test_each_added_pod_belongs_to_its_scale_out_and_the_first_one_to_none(report: Report):
    assert [(one.origin, one.scale_event) for one in report.cold_starts] == [
        ("Initial", None), ("ScaleOut", 1), ("ScaleOut", 2), ("ScaleOut", 3)]


def test_a_cold_start_runs_from_creation_to_ready_and_the_lag_from_the_decision(report: Report):
    start = added(report, 1)
    assert start.cold_start.milliseconds == 11141.0
    assert start.scale_out is not None
    assert start.scale_out.milliseconds == 11189.0
    assert report.scale_events[0].lag == start.scale_out


def test_the_bars_of_a_waterfall_add_up_to_its_whole(report: Report):
    assert len(report.cold_starts) > 1
    for start in report.cold_starts[1:]:
        assert start.scale_out is not None
        until_ready = [one for one in start.phases if one.name not in ("endpoints", "firstToken")]
        assert sum(one.milliseconds for one in until_ready) == pytest.approx(start.scale_out.milliseconds, abs=0.5)


def test_a_start_is_reported_from_two_sources_and_their_difference_is_stated(report: Report):
    scraped = added(report, 1).scraped
    assert scraped.process_start is not None
    assert (scraped.process_start.seconds, scraped.process_start.resolution_milliseconds) == (59.45, 10.0)
    assert scraped.first_scrape is not None
    assert scraped.process_start_difference_milliseconds == 167.0


def test_without_log_lines_the_start_of_the_engine_is_one_unattributed_bar(bundle: Bundle):
    start = added(judge(without(bundle, lambda line: isinstance(line, LogSeen))), 1)
    dark = [one for one in start.phases if one.name == "unattributed"]
    assert [one.milliseconds for one in dark] == [9953.0]
    assert dark[0].note == "no source showed: first log line, engine process, weights, HTTP up"


def test_a_duration_in_the_log_tells_when_its_phase_began(bundle: Bundle):
    def slower(line: Observation) -> Observation:
        shorter = {"Dynamo": "Dynamo bytecode transform time: 0.10 s", "torch.compile": "torch.compile took 1.30 s"}
        text = next((new for word, new in shorter.items() if isinstance(line, LogSeen) and word in line.line), None)
        return line if text is None or not isinstance(line, LogSeen) else replace(line, line=text)
    start = added(judge(replace(bundle, observations=tuple(slower(one) for one in bundle.observations))), 1)
    found = [(one.label, one.milliseconds) for one in start.phases if one.name in ("profile", "compile")]
    assert found == [("memory profile", 398.0), ("compilation", 1305.0), ("memory profile", 405.0)]


def test_a_deployment_that_was_only_listed_gives_a_decision_to_the_apis_second(bundle: Bundle):
    def listed(line: Observation) -> Observation:
        if isinstance(line, ObjectSeen) and line.kind is ObjectKind.DEPLOYMENT and line.sighting is Sighting.MODIFIED:
            return replace(line, sighting=Sighting.LISTED)
        return line
    first = judge(replace(bundle, observations=tuple(listed(one) for one in bundle.observations))).scale_events[0]
    assert (first.seen.source, first.seen.seconds, first.seen.resolution_milliseconds) == (Source.API, 58.0, 1000.0)
    assert first.note is not None


def test_a_pod_seen_ready_twice_keeps_its_first_ready_instant(bundle: Bundle):
    last = [line for line in bundle.observations if is_pod(line, "2xkqp")][-1]
    assert isinstance(last, ObjectSeen)
    again = replace(last, received=last.received + 90 * SECOND)
    start = judge(replace(bundle, observations=(*bundle.observations, again))).cold_starts[0]
    assert start.cold_start.milliseconds == 11141.0


def test_a_watch_gap_within_a_cold_start_that_hides_neither_of_its_ends_changes_nothing(bundle: Bundle):
    report = judge(with_gap(bundle, 60, 65))
    assert report.verdict is Verdict.PASS
    assert added(report, 1).cold_start == added(judge(bundle), 1).cold_start
    assert report.quality.gaps[0].start_seconds == 60.0


def test_a_watch_gap_of_another_resource_changes_no_verdict(bundle: Bundle):
    assert judge(with_gap(bundle, 60, 65, "nodes")).verdict is Verdict.PASS


def test_a_pod_that_was_never_seen_leaves_a_hole_and_not_a_better_number(bundle: Bundle):
    report = judge(without(bundle, lambda line: is_pod(line, "9hvwd")))
    verdicts = {one.name: one for one in report.objectives}
    assert verdicts["cold-start"].verdict is Verdict.INCONCLUSIVE
    assert report.scale_events[1].lag is not None
    assert report.scale_events[1].lag.reason == "1 of 1 added Pods were never seen"


def test_a_generator_that_fell_behind_makes_the_run_inconclusive(bundle: Bundle):
    late = replace(bundle.generators[0], fell_behind=True, lateness_p99_milliseconds=310.0)
    report = judge(replace(bundle, generators=(late, bundle.generators[1])))
    assert (report.verdict, report.verdict_reason) == (Verdict.INCONCLUSIVE, "LoadFellBehind")
    assert "310 ms late at p99, more than the 50 ms allowed" in report.verdict_message
    assert "ClientBound" in [one.name for one in report.findings]


def test_a_worker_without_a_summary_makes_the_run_inconclusive(bundle: Bundle):
    report = judge(replace(bundle, generators=bundle.generators[:1]))
    assert (report.verdict, report.verdict_reason) == (Verdict.INCONCLUSIVE, "LoadIncomplete")


def test_a_worker_that_was_away_makes_the_run_inconclusive_and_is_named_with_its_times(bundle: Bundle):
    origin = judge(bundle).load_start
    assert origin is not None
    start = instant_or_none(origin)
    assert start is not None
    later = Interruption(start + 60 * SECOND, start + 72 * SECOND + SECOND // 2)
    first, second = bundle.generators
    cut = replace(second, interruptions=(Interruption(None, start + 5 * SECOND), later))
    report = judge(replace(bundle, generators=(first, cut)))
    assert (report.verdict, report.verdict_reason) == (Verdict.INCONCLUSIVE, "LoadIncomplete")
    worker = second.worker
    assert report.verdict_message == (
        f"load worker {worker} was away until +5.0 s; "
        f"load worker {worker} was away from +60.0 s until +72.5 s"
    )
    assert report.quality.away == (AwayBand(worker, None, 5.0), AwayBand(worker, 60.0, 72.5))
    said = f"worker {worker} until +5.000 s; worker {worker} from +60.000 s until +72.500 s"
    assert ("Load workers away", said) in quality_rows(report.quality)


def test_what_a_stopped_worker_left_makes_the_run_inconclusive_and_turns_after_a_lost_one_do_not(bundle: Bundle):
    first, second = bundle.generators
    turns = judge(replace(bundle, generators=(replace(first, unsent=4, unsent_turns=4), second)))
    assert turns.verdict is judge(bundle).verdict is Verdict.PASS
    assert (turns.quality.unsent_requests, turns.quality.unsent_turns) == (0, 4)
    stopped = judge(replace(bundle, generators=(replace(first, unsent=9, unsent_turns=4), second)))
    assert (stopped.verdict, stopped.verdict_reason) == (Verdict.INCONCLUSIVE, "LoadIncomplete")
    assert stopped.verdict_message == "5 requests were never sent: their worker was stopped before their scheduled time"


def test_users_that_were_gone_before_their_time_make_the_run_inconclusive(bundle: Bundle):
    first, second = bundle.generators
    assert judge(replace(bundle, generators=(replace(first, capped_users=0), second))).verdict is Verdict.PASS
    capped = judge(replace(bundle, generators=(replace(first, capped_users=2), replace(second, capped_users=1))))
    assert (capped.verdict, capped.verdict_reason) == (Verdict.INCONCLUSIVE, "LoadIncomplete")
    assert capped.verdict_message.startswith("3 users reached maximumRequests and left early")


def test_what_a_stopped_incarnation_left_and_the_next_one_sent_is_not_missed(bundle: Bundle):
    first, second = (replace(one, unsent=0, unsent_turns=0) for one in bundle.generators)
    stopped = replace(first, incarnation="before", unsent=9, planned=None, sent=None)
    assert judge(replace(bundle, generators=(stopped, first, second))).quality.unsent_requests == 0


def test_a_summary_is_read_with_its_interruptions_and_one_without_an_end_is_left_out():
    account = generator_from({"worker": 1, "unsent": 3, "unsentTurns": 2, "cappedUsers": 5, "interruptions": [
        {"fromTime": None, "toTime": "1970-01-01T00:00:02Z"}, {"fromTime": "1970-01-01T00:00:03Z"}]})
    assert (account.unsent, account.unsent_turns, account.capped_users) == (3, 2, 5)
    assert account.interruptions == (Interruption(None, 2 * SECOND),)


def test_records_that_are_missing_make_the_run_inconclusive(bundle: Bundle):
    report = judge(replace(bundle, requests=bundle.requests[:600]))
    assert report.verdict_reason == "RecordsMissing"
    assert report.verdict_message == "623 requests were sent, but only 600 have a record"


def test_scale_in_names_the_pods_their_drain_and_what_they_lost(report: Report):
    assert [(one.pod[-5:], one.scale_event, one.drain.milliseconds) for one in report.scale_ins] == [
        ("lm4zt", 4, 2625.0), ("9hvwd", 4, 1579.0), ("t8r5n", 5, 1126.0)]
    assert (report.scale_ins[0].in_flight, report.scale_ins[0].lost) == (1, {"Aborted": 1})


def test_pods_that_go_with_their_deployment_are_the_end_of_the_test_and_no_scale_in(bundle: Bundle):
    assert bundle.start is not None
    deployment = [line for line in bundle.observations
                  if isinstance(line, ObjectSeen) and line.kind is ObjectKind.DEPLOYMENT][-1]
    gone = replace(deployment, sighting=Sighting.DELETED, received=bundle.start + 239 * SECOND)
    pod = [line for line in bundle.observations if is_pod(line, "2xkqp")][-1]
    assert isinstance(pod, ObjectSeen)
    after = replace(pod, sighting=Sighting.DELETED, received=bundle.start + 240 * SECOND)
    report = judge(replace(bundle, observations=(*bundle.observations, gone, after)))
    assert len(report.scale_ins) == 3


def test_the_price_is_the_area_under_the_replicas(report: Report):
    assert report.price is not None
    assert (report.price.end_seconds, report.price.gpus_per_replica) == (240.0, 1)
    most, least = (report.price.alternative(name) for name in (
        AlternativeName.STATIC_MAXIMUM, AlternativeName.STATIC_MINIMUM))
    assert most is not None
    assert least is not None
    assert (most.gpu_milliseconds, least.gpu_milliseconds) == (960_000, 240_000)
    areas = {one.part: one.replica_milliseconds for one in report.price.parts}
    ready = 240_000 + (193_288 - 69_403) + (193_291 - 84_425) + (208_276 - 99_407)
    assert sum(areas.get(part, 0) for part in (Part.USEFUL, Part.KEPT, Part.IDLE, Part.READY)) == ready
    # The load lasts 180 s, and one replica is kept for 60 s more.
    assert areas[Part.KEPT] == 60_000
    assert areas[Part.DRAINING] == (195_913 - 193_288) + (194_870 - 193_291) + (209_402 - 208_276)
    assert areas[Part.PENDING] == 3 * 21
    assert report.price.held_replica_milliseconds == sum(areas.values())


def test_the_replica_curves_are_steps_at_the_receipt_of_their_lines(report: Report):
    assert report.timeline.ready[:3] == ((-42.388, 0), (-31.169, 1), (69.403, 2))
    assert report.timeline.spec[-1] == (208.228, 1)


def test_requests_per_second_add_up_to_the_requests(report: Report):
    line = report.timeline
    assert sum(line.offered) * line.bin_seconds == pytest.approx(623)
    assert sum(line.served) * line.bin_seconds == pytest.approx(621)
    assert line.in_flight[-1] in (0, 1)


def test_the_offset_of_the_clocks_is_bounded_by_every_sample(report: Report):
    assert (report.quality.clock_offset_low_milliseconds, report.quality.clock_offset_high_milliseconds) == (
        -1000.0, 12.0)


def test_an_unschedulable_pod_is_found_with_the_schedulers_words(bundle: Bundle):
    def blocked(line: Observation) -> Observation:
        if is_pod(line, "t8r5n") and isinstance(line, ObjectSeen) and line.sighting is Sighting.ADDED:
            status = {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                                      "message": "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."}]}
            return replace(line, object={**line.object, "status": status})
        return line
    report = judge(replace(bundle, observations=tuple(blocked(one) for one in bundle.observations)))
    found = next(one for one in report.findings if one.name == "PendingOnGPUs")
    assert "Insufficient nvidia.com/gpu" in found.evidence


def test_an_autoscaler_without_a_metric_is_found_with_its_reason(bundle: Bundle):
    def blind(line: Observation) -> Observation:
        if isinstance(line, ObjectSeen) and line.kind is ObjectKind.AUTOSCALER:
            status = {"conditions": [{"type": "ScalingActive", "status": "False", "reason": "FailedGetPodsMetric"}]}
            return replace(line, object={**line.object, "status": status})
        return line
    report = judge(replace(bundle, observations=tuple(blind(one) for one in bundle.observations)))
    found = next(one for one in report.findings if one.name == "MetricMissing")
    assert "180 s of the load (FailedGetPodsMetric)" in found.evidence


def test_a_run_in_which_nothing_scaled_says_so(bundle: Bundle):
    def still(line: Observation) -> bool:
        is_deployment = isinstance(line, ObjectSeen) and line.kind is ObjectKind.DEPLOYMENT
        return is_deployment and line.sighting is Sighting.MODIFIED
    found = next(one for one in judge(without(bundle, still)).findings if one.name == "ScalingNeverTriggered")
    assert "lower `--max-num-seqs` (now 4), or scale on running requests" in found.advice


def test_an_empty_bundle_is_judged_and_measures_nothing():
    report = judge(Bundle(terms=Terms()))
    assert (report.verdict, report.summary.request_count, report.price) == (Verdict.NOT_JUDGED, None, None)
    assert report.load_start is None


@pytest.mark.parametrize("kind", list(ObjectKind))
def test_a_bundle_without_any_one_kind_of_object_is_still_judged(bundle: Bundle, kind: ObjectKind):
    report = judge(without(bundle, lambda line: isinstance(line, ObjectSeen) and line.kind is kind))
    assert report.summary.request_count == 623


def test_hostile_shapes_in_objects_do_not_stop_judgement(bundle: Bundle):
    def broken(line: Observation) -> Observation:
        if not isinstance(line, ObjectSeen):
            return line
        return replace(line, object={"metadata": {"name": line.name, "uid": 7, "labels": [], "managedFields": {"x": 1}},
                                     "spec": [], "status": "gone", "message": None, "endpoints": [None, {"a": 1}]})
    report = judge(replace(bundle, observations=tuple(broken(one) for one in bundle.observations)))
    assert report.summary.request_count == 623
    assert text_at({"a": {"b": 1}}, "a", "b") is None
