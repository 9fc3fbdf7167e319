"""One sync at a time: what the controller proposes, what limits it, and what its conditions say.

Pods are drawn as letters: R ready with a sample, U Running but not Ready, P Pending, M Running without a sample,
F Failed, D being deleted.
"""

from dataclasses import replace
from typing import Any

import pytest

from elastometer.hpa.decision import Condition, Constraint, Decision, Reduction
from elastometer.hpa.parse import DEFAULT_SCALE_DOWN, DEFAULT_SCALE_UP
from elastometer.hpa.settings import (
    Behavior,
    HpaSpec,
    Metric,
    MetricType,
    Policy,
    PolicyType,
    ScalingRules,
    SelectPolicy,
    TargetType,
)
from elastometer.hpa.state import Recommendation, ScaleRecord, State
from elastometer.hpa.step import step
from elastometer.hpa.sync import MetricInput, PodInput, Sample, SyncInput

PODS = Metric(MetricType.PODS, "waiting", TargetType.AVERAGE_VALUE, 10_000)
CPU = Metric(MetricType.RESOURCE, "cpu", TargetType.UTILIZATION, 50)
QUEUE = Metric(MetricType.EXTERNAL, "queue", TargetType.AVERAGE_VALUE, 10_000)
TOTAL = Metric(MetricType.EXTERNAL, "queue", TargetType.VALUE, 10_000)
OF_OBJECT = Metric(MetricType.OBJECT, "queue", TargetType.AVERAGE_VALUE, 10_000)
AT_ONCE = Behavior(replace(DEFAULT_SCALE_UP, policies=(Policy(PolicyType.PERCENT, 10_000, 15),)),
                   replace(DEFAULT_SCALE_DOWN, stabilization_seconds=0))
DEFAULT = Behavior(DEFAULT_SCALE_UP, DEFAULT_SCALE_DOWN)
PHASES = {"P": "Pending", "F": "Failed"}


def a_spec(*metrics: Metric, behavior: Behavior | None = AT_ONCE, minimum: int = 1, maximum: int = 100) -> HpaSpec:
    return HpaSpec(minimum, maximum, metrics or (PODS,), behavior)


def pod(letter: str, index: int, **more: Any) -> PodInput:
    ready = None if letter == "P" else letter != "U"
    return PodInput(f"{letter}{index}", PHASES.get(letter, "Running"), ready, -900.0, -1000.0, letter == "D",
                   {"cpu": 1000}, **more)


def samples(letters: str, value: int, at: float) -> MetricInput:
    return MetricInput(tuple(Sample(f"{letter}{index}", value, at - 5, 30.0)
                            for index, letter in enumerate(letters) if letter not in "MP"))


def a_sync(letters: str, *answers: MetricInput | int, at: float = 0.0, current: int | None = None) -> SyncInput:
    """A number is every sample's value in whole units."""
    given = tuple(samples(letters, answer * 1000, at) if isinstance(answer, int) else answer for answer in answers)
    replicas = len(letters) if current is None else current
    return SyncInput(at, replicas, replicas, tuple(pod(letter, index) for index, letter in enumerate(letters)), given)


def decide(seen: SyncInput, spec: HpaSpec | None = None, state: State | None = None) -> Decision:
    return step(state or State(), spec or a_spec(), seen)[1]


def reasons(decision: Decision) -> dict[str, str]:
    return {name: condition.reason for name, condition in decision.conditions.items()}


@pytest.mark.parametrize(("mean", "real", "unclamped"), [(30, 6, 18), (40, 8, 24), (3, 5, 2)])
def test_pods_that_load_damp_a_decision_in_both_directions(mean: int, real: int, unclamped: int):
    """Target 10 a Pod, two ready, four loading: a simple calculator would ask for `unclamped`."""
    decision = decide(a_sync("RRMMMM", mean))
    assert (decision.desired, decision.account.wanted) == (real, unclamped)
    assert decision.account.reductions[0] == Reduction(Constraint.MISSING_PODS, unclamped, real)


def test_a_cold_start_does_not_cascade():
    """Two ready Pods at twice the target while the new ones load: 2, 4, 4, 4, where a naive rule gives 2, 4, 8, 16."""
    state, letters, seen = State(), "RR", [2]
    for sync in range(3):
        state, decision = step(state, a_spec(), a_sync(letters, 20, at=15.0 * sync))
        seen.append(decision.desired)
        letters = "RR" + "M" * (decision.desired - 2)
    assert seen == [2, 4, 4, 4]


@pytest.mark.parametrize(("letters", "mean", "desired", "constraint"), [
    ("RRRR", 10, 4, Constraint.NONE), ("RRRR", 11, 4, Constraint.TOLERANCE), ("RRRR", 12, 5, Constraint.NONE),
    ("RRRR", 9, 4, Constraint.NONE), ("RRRRRRRRRRRR", 9, 12, Constraint.TOLERANCE), ("RRRR", 5, 2, Constraint.NONE),
    ("RRPP", 20, 4, Constraint.MISSING_PODS),   # Pending counts as idle upward
    ("RRPP", 5, 1, Constraint.MISSING_PODS),    # and not at all downward: half of two ready
    ("RRFD", 20, 4, Constraint.MISSING_PODS),   # Failed and deleted count nowhere: twice two ready
    ("RRUU", 20, 8, Constraint.NONE),           # not Ready, but with a sample: only the CPU metric minds
    ("RRMM", 10, 4, Constraint.NONE),           # exactly on target: nothing is assumed of the missing
    ("RM", 15, 2, Constraint.MISSING_PODS),     # would turn: 15 and 0 are below target
])
def test_pods_count_by_their_group(letters: str, mean: int, desired: int, constraint: Constraint):
    decision = decide(a_sync(letters, mean))
    assert (decision.desired, decision.account.proposals[0].constraint) == (desired, constraint)


def test_the_account_counts_the_groups():
    proposal = decide(a_sync("RRRUPMFD", 30)).account.proposals[0]
    assert (proposal.ready_pods, proposal.unready_pods, proposal.missing_pods, proposal.ignored_pods) == (4, 1, 1, 2)
    assert (proposal.value, proposal.ratio, proposal.unclamped) == (30_000, 3.0, 24)


@pytest.mark.parametrize(("start", "transition", "ready", "sampled", "unready"), [
    (-100, -50, True, 10, False),    # in the initialization period, a whole window since it was ready
    (-100, -50, True, -21, True),    # the sample reaches back before that
    (-100, -50, True, -20, False),   # just not
    (-100, -50, False, 10, True),
    (-300, -260, False, 10, False),  # past the period: it was ready once, since it changed late
    (-300, -271, False, 10, True),   # it never was ready: its last change was 29 s after the start
    (-300, -270, False, 10, False),  # the delay is over exactly then
    (-299, -295, True, 10, False), (None, -50, True, 10, True), (-100, None, False, 10, True),
])
def test_a_starting_pods_cpu_does_not_count(
    start: float | None, transition: float | None, ready: bool, sampled: float, unready: bool
):
    one = PodInput("a", "Running", ready, transition, start, False, {"cpu": 1000})
    other = pod("R", 1)
    answer = MetricInput((Sample("a", 900, sampled, 30.0), Sample("R1", 500, -1, 30.0)))
    seen = SyncInput(0.0, 2, 2, (one, other), (answer,))
    assert decide(seen, a_spec(CPU)).account.proposals[0].unready_pods == unready


def test_a_pod_without_a_ready_condition_is_not_ready_for_cpu():
    seen = a_sync("RR", 1)
    odd = seen.pods[0]._replace(ready=None)
    decision = decide(replace(seen, pods=(odd, seen.pods[1])), a_spec(CPU))
    assert decision.account.proposals[0].unready_pods == 1


def test_utilization_is_cut_to_whole_percent():
    """Three Pods use 1,669 of 3,000 thousandths: 55.6 %, cut to 55, is exactly at the end of the tolerance."""
    seen = replace(a_sync("RRR", 0), metrics=(MetricInput(tuple(
        Sample(f"R{index}", value, -5, 30.0) for index, value in enumerate((500, 500, 669)))),))
    proposal = decide(seen, a_spec(CPU)).account.proposals[0]
    assert (proposal.value, proposal.ratio, proposal.replicas) == (55, 1.1, 3)


def test_a_pod_without_a_request_makes_the_cpu_metric_fail_even_when_it_is_ignored():
    seen = a_sync("RRD", 1)
    seen = replace(seen, pods=(*seen.pods[:2], seen.pods[2]._replace(requests={})))
    assert reasons(decide(seen, a_spec(CPU)))["ScalingActive"] == "FailedGetResourceMetric"


def test_a_container_metric_reads_the_containers_request():
    metric = replace(CPU, type=MetricType.CONTAINER_RESOURCE, container="engine")
    pods = tuple(pod("R", index, container_requests={"engine": {"cpu": 250}}) for index in range(2))
    seen = replace(a_sync("RR", MetricInput((Sample("R0", 250, -5, 30.0), Sample("R1", 250, -5, 30.0)))), pods=pods)
    assert decide(seen, a_spec(metric)).account.proposals[0].value == 100
    other = replace(metric, container="proxy")
    assert reasons(decide(seen, a_spec(other)))["ScalingActive"] == "FailedGetContainerResourceMetric"


def test_missing_pods_are_assumed_to_use_all_that_they_request_when_cpu_is_low():
    """One Pod at 20 % of a target of 50, one missing at 100: 60 % on average turns direction, so nothing happens."""
    seen = replace(a_sync("RM", 0), metrics=(MetricInput((Sample("R0", 200, -5, 30.0),)),))
    assert decide(seen, a_spec(CPU)).desired == 2


def test_samples_of_pods_that_are_gone_still_count_into_the_mean():
    gone = MetricInput((Sample("R0", 10_000, -5, 30.0), Sample("gone", 30_000, -5, 30.0)))
    decision = decide(a_sync("R", gone))
    assert (decision.account.proposals[0].value, decision.desired) == (20_000, 2)


@pytest.mark.parametrize(("metric", "values", "status", "letters", "desired"), [
    (QUEUE, (45_000,), 4, "RRRR", 5), (QUEUE, (20_000, 25_000), 4, "RRRR", 5), (QUEUE, (43_000,), 4, "RRRR", 4),
    (QUEUE, (0,), 4, "RRRR", 1), (QUEUE, (43_000,), 3, "RRRR", 5), (QUEUE, (-1,), 4, "RRRR", 100),
    (TOTAL, (25_000,), 4, "RRRR", 10), (TOTAL, (25_000,), 4, "RRUU", 5), (TOTAL, (10_900,), 4, "RRUU", 4),
    (TOTAL, (25_000,), 4, "RRRP", 8), (OF_OBJECT, (45_000,), 4, "RRRR", 5), (TOTAL, (-5_000,), 4, "RRRR", 1),
    (TOTAL, (25_000,), 4, "RRFF", 5),            # Failed, though its last condition was Ready
    (QUEUE, (10**18,), 4, "RRRR", 100),          # beyond 32 bits an External metric asks for all there can be,
    (OF_OBJECT, (10**18,), 4, "RRRR", 1),        # and an Object for less than none
    (TOTAL, (2**63 - 1, 2**63 - 1), 4, "RRRR", 100), (QUEUE, (2**63 - 1, 2**63 - 1), 4, "RRRR", 100),
])
def test_a_total_is_averaged_or_multiplied(
    metric: Metric, values: tuple[int, ...], status: int, letters: str, desired: int
):
    seen = replace(a_sync(letters, MetricInput(values=values)), status_replicas=status)
    assert decide(seen, a_spec(metric)).desired == desired


def test_from_zero_a_total_says_how_many():
    spec = a_spec(TOTAL, minimum=0, behavior=DEFAULT)
    assert decide(a_sync("", MetricInput(values=(25_000,))), spec).desired == 3
    assert decide(a_sync("", MetricInput(values=(0,))), spec).desired == 0


def test_a_policy_in_percent_alone_never_leaves_zero():
    decision = decide(a_sync("", MetricInput(values=(25_000,))), a_spec(TOTAL, minimum=0))
    assert (decision.desired, decision.account.binding) == (0, Constraint.POLICY)


def test_a_total_needs_pods_to_multiply():
    decision = decide(a_sync("", MetricInput(values=(25_000,)), current=4), a_spec(TOTAL))
    assert reasons(decision)["ScalingActive"] == "FailedGetExternalMetric"


def test_the_highest_of_several_metrics_counts():
    decision = decide(a_sync("RR", 20, MetricInput(values=(70_000,))), a_spec(PODS, QUEUE))
    assert (decision.desired, decision.account.metric, decision.account.raw) == (7, 1, 7)


def test_while_a_metric_fails_there_is_scale_out_but_no_scale_in():
    spec = a_spec(PODS, QUEUE)
    broken = MetricInput(error="adapter is down")
    up = decide(a_sync("RRRR", broken, MetricInput(values=(70_000,))), spec)
    assert (up.desired, up.events, reasons(up)["ScalingActive"]) == (
        7, ("FailedGetPodsMetric", "SuccessfulRescale"), "ValidMetricFound")
    down = decide(a_sync("RRRR", broken, MetricInput(values=(10_000,))), spec)
    assert (down.desired, down.account.binding, reasons(down)["ScalingActive"]) == (
        4, Constraint.PARTIAL_METRICS, "FailedGetPodsMetric")
    assert down.events == ("FailedComputeMetricsReplicas", "FailedGetPodsMetric")


def test_without_any_metric_the_limits_condition_stays_as_it_was():
    state, _ = step(State(), a_spec(), a_sync("RR", 30))
    decision = decide(a_sync("RR", MetricInput(), at=15.0), a_spec(), state)
    assert reasons(decision) == {"AbleToScale": "SucceededGetScale", "ScalingActive": "FailedGetPodsMetric",
                                 "ScalingLimited": "DesiredWithinRange"}
    assert (decision.account.binding, decision.account.raw) == (Constraint.NO_METRIC, None)
    assert (decision.desired, decision.status_desired) == (2, 6)  # the status keeps the last wish


def test_a_target_at_zero_is_left_alone():
    decision = decide(a_sync("", MetricInput(values=(5_000,))), a_spec(QUEUE))
    assert (decision.desired, decision.rescaled, decision.conditions["ScalingActive"]) == (
        0, False, Condition("False", "ScalingDisabled"))


@pytest.mark.parametrize(("current", "desired", "constraint"), [(9, 5, Constraint.MAXIMUM), (1, 2, Constraint.MINIMUM)])
def test_scaling_by_hand_beyond_the_limits_is_undone_without_reading_metrics(
    current: int, desired: int, constraint: Constraint
):
    decision = decide(a_sync("R" * current, 10), a_spec(minimum=2, maximum=5))
    assert (decision.desired, decision.events, reasons(decision)) == (
        desired, ("SuccessfulRescale",), {"AbleToScale": "SucceededRescale"})
    assert decision.account.reductions == (Reduction(constraint, current, desired),)


def test_the_older_path_at_most_doubles_but_always_allows_four():
    older = a_spec(behavior=None)
    assert decide(a_sync("R", 100), older).desired == 4
    assert decide(a_sync("RRR", 100), older).desired == 6
    assert reasons(decide(a_sync("RRR", 100), older))["ScalingLimited"] == "ScaleUpLimit"


def test_the_older_path_follows_the_highest_of_its_window_even_upward():
    """Nine were recommended and eight allowed; somebody scaled to two by hand, and the window scales out again."""
    spec = a_spec(behavior=None)
    state, first = step(State(), spec, a_sync("RRRR", 22))
    state, second = step(state, spec, a_sync("RR", 10, at=15.0))
    assert (first.desired, second.desired) == (8, 4)
    assert reasons(second)["ScalingLimited"] == "ScaleUpLimit"
    assert second.account.reductions[0] == Reduction(Constraint.STABILIZATION, 2, 9)


@pytest.mark.parametrize(("age", "held"), [(299.999999999, True), (300.0, False), (300.000000001, False)])
def test_the_start_of_a_behaviors_window_is_outside_of_it(age: float, held: bool):
    state = State(recommendations=(Recommendation(50.246570998 - age, 9),))
    decision = decide(a_sync("RRRR", 5, at=50.246570998), a_spec(behavior=DEFAULT), state)
    assert decision.desired == (4 if held else 2)


@pytest.mark.parametrize(("age", "held"), [(300.0, True), (300.000000001, False)])
def test_the_start_of_the_older_paths_window_is_inside_of_it(age: float, held: bool):
    state = State(recommendations=(Recommendation(50.246570998 - age, 4),))
    decision = decide(a_sync("RRRR", 5, at=50.246570998), a_spec(behavior=None), state)
    assert decision.desired == (4 if held else 2)


def test_both_windows_pull_toward_the_current_number():
    slow = Behavior(replace(AT_ONCE.scale_up, stabilization_seconds=60), AT_ONCE.scale_down)
    state = State(recommendations=(Recommendation(-30.0, 3),))
    up = decide(a_sync("RR", 40), a_spec(behavior=slow), state)
    assert (up.desired, reasons(up)["ScalingLimited"], up.account.reductions) == (
        3, "DesiredWithinRange", (Reduction(Constraint.STABILIZATION, 8, 3),))


RECORDS = (ScaleRecord(-10.0, 2), ScaleRecord(-40.0, 5), ScaleRecord(-60.0, 7))


@pytest.mark.parametrize(("rules", "desired"), [
    (ScalingRules((Policy(PolicyType.PODS, 4, 15),), stabilization_seconds=0), 12),    # 10 - 2 + 4
    (ScalingRules((Policy(PolicyType.PODS, 9, 60),), stabilization_seconds=0), 12),    # 10 - 7 + 9; 60 s ago is over
    (ScalingRules((Policy(PolicyType.PERCENT, 30, 15),), stabilization_seconds=0), 11),  # 8 x 1.3 rounded up
    (ScalingRules((Policy(PolicyType.PODS, 4, 15), Policy(PolicyType.PODS, 9, 15)),
                  SelectPolicy.MIN, stabilization_seconds=0), 12),
    (ScalingRules((Policy(PolicyType.PODS, 4, 15), Policy(PolicyType.PODS, 9, 15)), stabilization_seconds=0), 17),
    (ScalingRules((Policy(PolicyType.PODS, 4, 15),), SelectPolicy.DISABLED, stabilization_seconds=0), 10),
    (ScalingRules((Policy(PolicyType.PODS, 2**31 - 1, 15),), stabilization_seconds=0), 10),  # 32 bits wrap around
    (ScalingRules((Policy(PolicyType.PERCENT, 2**31 - 1, 15),), stabilization_seconds=0), 40),
])
def test_what_was_added_in_the_period_counts_against_a_policy(rules: ScalingRules, desired: int):
    spec = a_spec(behavior=Behavior(rules, DEFAULT_SCALE_DOWN))
    assert decide(a_sync("R" * 10, 40), spec, State(scale_ups=RECORDS)).desired == desired


@pytest.mark.parametrize(("rules", "desired"), [
    (ScalingRules((Policy(PolicyType.PODS, 4, 15),), stabilization_seconds=0), 8),      # 10 + 2 - 4
    (ScalingRules((Policy(PolicyType.PERCENT, 30, 15),), stabilization_seconds=0), 8),  # 12 x 0.7 = 8.4, cut
    (ScalingRules((Policy(PolicyType.PODS, 4, 15), Policy(PolicyType.PODS, 9, 15)),
                  SelectPolicy.MIN, stabilization_seconds=0), 8),
    (ScalingRules((Policy(PolicyType.PODS, 4, 15), Policy(PolicyType.PODS, 9, 15)), stabilization_seconds=0), 3),
])
def test_what_was_removed_in_the_period_counts_against_a_policy(rules: ScalingRules, desired: int):
    spec = a_spec(behavior=Behavior(DEFAULT_SCALE_UP, rules))
    assert decide(a_sync("R" * 10, 1), spec, State(scale_downs=RECORDS)).desired == desired


def test_each_direction_has_its_own_tolerance():
    wide = Behavior(replace(AT_ONCE.scale_up, tolerance=0.5), replace(AT_ONCE.scale_down, tolerance=0.0))
    assert decide(a_sync("RRRR", 14), a_spec(behavior=wide)).desired == 4
    assert decide(a_sync("RRRR", 7), a_spec(behavior=wide)).desired == 3


def test_a_scale_that_cannot_be_read_changes_one_condition_alone():
    state, _ = step(State(), a_spec(), a_sync("RR", 30))
    after, decision = step(state, a_spec(), replace(a_sync("RR", 30, at=15.0), scale_error="timeout"))
    assert (decision.events, reasons(decision)["AbleToScale"]) == (("FailedGetScale",), "FailedGetScale")
    assert (after.recommendations, decision.status_desired) == (state.recommendations, 6)


def test_a_scale_that_cannot_be_written_leaves_the_target_and_no_record():
    after, decision = step(State(), a_spec(), replace(a_sync("RR", 30), update_error="denied"))
    assert (decision.desired, decision.rescaled, decision.status_desired) == (2, False, 0)
    assert (decision.events, decision.conditions["AbleToScale"]) == (
        ("FailedRescale",), Condition("False", "FailedUpdateScale"))
    assert (after.scale_ups, len(after.recommendations)) == ((), 2)
    assert decision.account.reductions[-1] == Reduction(Constraint.NO_SCALE, 6, 2)


def test_the_record_of_a_rescale_that_no_policy_covers_is_replaced():
    state = State(scale_ups=(ScaleRecord(-100.0, 1), ScaleRecord(-90.0, 1)))
    after, _ = step(state, a_spec(), a_sync("RR", 30))
    assert after.scale_ups == (ScaleRecord(-100.0, 1, True), ScaleRecord(0.0, 4))
