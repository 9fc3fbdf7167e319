"""What holds for every world that can be drawn: limits, policies, order, memory, and that nothing is random."""

import random
from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from elastometer.hpa.decision import Constraint, Decision
from elastometer.hpa.settings import (
    Behavior,
    ControllerSettings,
    HpaSpec,
    Metric,
    MetricType,
    Policy,
    PolicyType,
    ScalingRules,
    SelectPolicy,
    TargetType,
)
from elastometer.hpa.state import State
from elastometer.hpa.step import step
from elastometer.hpa.sync import MetricInput, PodInput, Sample, SyncInput
from support.reach import reached, reaches

WINDOW = st.sampled_from([0, 15, 60, 120])
POLICY = st.builds(Policy, st.sampled_from(PolicyType), st.integers(1, 200), st.sampled_from([15, 30, 90]))
RULES = st.builds(ScalingRules, st.lists(POLICY, min_size=1, max_size=3).map(tuple), st.sampled_from(SelectPolicy),
                  WINDOW, st.sampled_from([None, 0.0, 0.3]))
METRICS = [
    Metric(MetricType.PODS, "waiting", TargetType.AVERAGE_VALUE, 2000),
    Metric(MetricType.RESOURCE, "cpu", TargetType.UTILIZATION, 70),
    Metric(MetricType.CONTAINER_RESOURCE, "cpu", TargetType.AVERAGE_VALUE, 700, "engine"),
    Metric(MetricType.EXTERNAL, "queue", TargetType.AVERAGE_VALUE, 2000),
    Metric(MetricType.EXTERNAL, "queue", TargetType.VALUE, 20_000),
    Metric(MetricType.OBJECT, "queue", TargetType.AVERAGE_VALUE, 2000),
]
SPECS = st.builds(
    lambda low, more, metrics, behavior: HpaSpec(
        low, low + more, tuple(metrics), behavior, ControllerSettings(downscale_stabilization_seconds=60)),
    st.integers(1, 4), st.integers(0, 12), st.lists(st.sampled_from(METRICS), min_size=1, max_size=3),
    st.none() | st.builds(Behavior, RULES, RULES))
VALUES = st.integers(0, 60_000)
LOADS = (600, 6_000, 60_000, 60_000)


def a_pod(rng: random.Random, index: int, at: float) -> PodInput:
    return PodInput(
        f"p{index}", rng.choice(["Running", "Running", "Pending", "Failed"]),
        rng.choice([True, True, False, None]), at - rng.randint(0, 400), at - 400.0, rng.random() < 0.2,
        {"cpu": 1000})


def an_answer(rng: random.Random, metric: Metric, pods: tuple[PodInput, ...], at: float, most: int) -> MetricInput:
    if rng.random() < 0.1:
        return MetricInput(error="down")
    if metric.type in (MetricType.OBJECT, MetricType.EXTERNAL):
        return MetricInput(values=(rng.randint(0, most),))
    return MetricInput(tuple(
        Sample(pod.name, rng.randint(0, most // 6), at - 5, 30.0) for pod in pods if rng.random() < 0.8))


def a_run(spec: HpaSpec, seed: int) -> list[tuple[HpaSpec, SyncInput, Decision, State]]:
    """A sequence of syncs, in which the target is sometimes scaled by hand. Worlds are drawn from a seed, which is much
    faster than drawing them by Hypothesis."""
    rng, state, at = random.Random(seed), State(), 0.0
    current, most, run = rng.randint(spec.minimum, spec.maximum), rng.choice(LOADS), []
    for _ in range(rng.randint(10, 40)):
        pods = tuple(a_pod(rng, index, at) for index in range(current))
        # A load that lasts for some syncs: if every sync drew its own, the windows would hold nearly every scale-in.
        most = most if rng.random() < 0.8 else rng.choice(LOADS)
        answers = tuple(an_answer(rng, metric, pods, at, most) for metric in spec.metrics)
        seen = SyncInput(at, current, current, pods, answers)
        state, decision = step(state, spec, seen)
        run.append((spec, seen, decision, state))
        current = decision.desired if rng.random() < 0.9 else rng.randint(0, spec.maximum + 2)
        at += rng.choice([15.0, 15.000001, 40.0])
    return run


RUNS = st.builds(a_run, SPECS, st.integers(0, 2**32))
# Policies so tight that they are what limits most decisions.
TIGHT = st.builds(Policy, st.just(PolicyType.PODS), st.integers(1, 3), st.sampled_from([15, 30, 90])) | st.builds(
    Policy, st.just(PolicyType.PERCENT), st.integers(5, 60), st.sampled_from([15, 30, 90]))
TIGHT_RULES = st.builds(ScalingRules, st.lists(TIGHT, min_size=1, max_size=3).map(tuple), st.sampled_from(SelectPolicy),
                        st.sampled_from([0, 15]), st.none())
LIMITED_RUNS = st.builds(
    lambda spec, behavior, seed: a_run(replace(spec, maximum=spec.minimum + 20, behavior=behavior), seed),
    SPECS, st.builds(Behavior, TIGHT_RULES, TIGHT_RULES), st.integers(0, 2**32))


@reaches({"a rescale": 40})
@given(RUNS)
def test_what_is_decided_is_within_the_limits_or_is_left_as_it_was(run: list[Any]):
    for spec, seen, decision, _ in run:
        reached("a rescale", decision.rescaled)
        assert spec.minimum <= decision.desired <= spec.maximum or decision.desired == seen.spec_replicas


@given(RUNS)
def test_the_same_syncs_give_the_same_decisions(run: list[Any]):
    state = State()
    for spec, seen, decision, after in run:
        state, again = step(state, spec, seen)
        assert (again, state) == (decision, after)


@reaches({"a limit": 100, "wanted replicas": 100, "a proposal": 100})
@given(RUNS)
def test_the_account_leads_from_what_was_wanted_to_what_was_decided(run: list[Any]):
    for _, seen, decision, _ in run:
        account = decision.account
        assert account.current == seen.spec_replicas
        steps = [one.before for one in account.reductions] + [decision.desired]
        assert all(one.after == then for one, then in zip(account.reductions, steps[1:], strict=True))
        assert all(one.before != one.after or one.constraint == "PartialMetrics" for one in account.reductions)
        reached("a limit", len(account.reductions))
        if account.wanted is not None:
            reached("wanted replicas")
            assert steps[0] == account.wanted
        if account.raw is not None:
            reached("a proposal")
            assert account.raw == max(one.replicas for one in account.proposals if one.replicas is not None)


@reaches({"up": 20, "down": 20, "limited by a policy": 20})
@given(RUNS | LIMITED_RUNS)
def test_no_step_goes_beyond_the_policies(run: list[Any]):
    """Computed independently: replicas at the start of a policy's period, from the decisions alone, and its limit."""
    changes: list[tuple[float, int]] = []
    for spec, seen, decision, _ in run:
        moved = decision.desired - seen.spec_replicas
        if spec.behavior is not None and moved and spec.minimum <= seen.spec_replicas <= spec.maximum:
            rules = spec.behavior.scale_up if moved > 0 else spec.behavior.scale_down
            allowed = [limit(policy, seen, changes, up=moved > 0) for policy in rules.policies]
            assert rules.select is not SelectPolicy.DISABLED
            widest = (max if (rules.select is SelectPolicy.MAX) == (moved > 0) else min)(allowed)
            reached("up" if moved > 0 else "down")
            reached("limited by a policy", any(
                one.constraint is Constraint.POLICY for one in decision.account.reductions))
            assert decision.desired <= widest if moved > 0 else decision.desired >= widest
        if moved:
            changes.append((seen.at, moved))


def limit(policy: Policy, seen: SyncInput, changes: list[tuple[float, int]], up: bool) -> float:
    began = seen.spec_replicas - sum(by for at, by in changes if seen.at - at < policy.period_seconds - 1e-9)
    by = policy.value if policy.type is PolicyType.PODS else began * policy.value / 100
    return began + by + (policy.type is PolicyType.PERCENT) if up else began - by - (policy.type is PolicyType.PERCENT)


@given(SPECS, st.integers(1, 8), VALUES, VALUES, st.data())
def test_more_load_never_asks_for_less(spec: HpaSpec, current: int, low: int, more: int, data: Any):
    """With the same Pods all ready and the same memory, a higher total is never answered with fewer replicas."""
    assume(spec.minimum <= current <= spec.maximum)
    spec = replace(spec, metrics=(METRICS[3],))
    pods = tuple(PodInput(f"p{index}", "Running", True, -500.0, -600.0, False, {}) for index in range(current))
    before = SyncInput(-15.0, current, current, pods, (MetricInput(values=(data.draw(VALUES),)),))
    state, _ = step(State(), spec, before)
    decided = [step(state, spec, SyncInput(0.0, current, current, pods, (MetricInput(values=(value,)),)))[1].desired
               for value in (low, low + more)]
    assert decided[0] <= decided[1]


@given(st.integers(2, 8), st.integers(0, 6), VALUES)
def test_a_missing_pod_never_makes_a_change_greater(ready: int, missing: int, value: int):
    spec = HpaSpec(1, 1000, (METRICS[0],), Behavior(
        ScalingRules((Policy(PolicyType.PERCENT, 1_000_000, 15),), stabilization_seconds=0),
        ScalingRules((Policy(PolicyType.PERCENT, 100, 15),), stabilization_seconds=0)))
    current = ready + missing
    pods = tuple(PodInput(f"p{index}", "Running", True, -500.0, -600.0, False, {}) for index in range(current))
    some, every = (MetricInput(tuple(Sample(f"p{index}", value, -5.0, 30.0) for index in range(count)))
                   for count in (ready, current))
    damped, plain = (step(State(), spec, SyncInput(0.0, current, current, pods, (answer,)))[1].desired
                     for answer in (some, every))
    assert min(current, plain) <= damped <= max(current, plain)


@given(st.lists(VALUES, min_size=300, max_size=300), st.none() | st.builds(Behavior, RULES, RULES))
@settings(max_examples=20)
def test_the_memory_grows_no_longer_than_the_windows_and_periods_reach(values: list[int], behavior: Behavior | None):
    spec = HpaSpec(1, 40, (METRICS[3],), behavior, ControllerSettings(downscale_stabilization_seconds=60))
    state, current = State(), 5
    for index, value in enumerate(values):
        seen = SyncInput(index * 15.0, current, current, (), (MetricInput(values=(value,)),))
        state, decision = step(state, spec, seen)
        current = decision.desired
    assert len(state.recommendations) <= 120 / 15 + 2
    assert len(state.scale_ups) <= 90 / 15 + 2
    assert len(state.scale_downs) <= 90 / 15 + 2


@given(RUNS, st.integers(-(10**6), 10**6))
def test_only_differences_of_time_count(run: list[Any], shift: int):
    state = State()
    for spec, seen, decision, _ in run:
        pods = tuple(pod._replace(
            start=None if pod.start is None else pod.start + shift,
            ready_transition=None if pod.ready_transition is None else pod.ready_transition + shift)
            for pod in seen.pods)
        answers = tuple(replace(answer, samples=tuple(one._replace(at=one.at + shift) for one in answer.samples))
                        for answer in seen.metrics)
        state, moved = step(state, spec, replace(seen, at=seen.at + shift, pods=pods, metrics=answers))
        assert moved == decision
