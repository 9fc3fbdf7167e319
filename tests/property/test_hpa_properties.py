"""What holds for every world that can be drawn: limits, policies, order, memory, and that nothing is left to chance."""

import random
from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from elastometer.hpa.decision import Decision
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
from elastometer.hpa.sync import Look, MetricLook, PodLook, Sample

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


def a_pod(chance: random.Random, index: int, at: float) -> PodLook:
    return PodLook(
        f"p{index}", chance.choice(["Running", "Running", "Pending", "Failed"]),
        chance.choice([True, True, False, None]), at - chance.randint(0, 400), at - 400.0, chance.random() < 0.2,
        {"cpu": 1000})


def an_answer(chance: random.Random, metric: Metric, pods: tuple[PodLook, ...], at: float) -> MetricLook:
    if chance.random() < 0.1:
        return MetricLook(error="down")
    if metric.type in (MetricType.OBJECT, MetricType.EXTERNAL):
        return MetricLook(values=(chance.randint(0, 60_000),))
    return MetricLook(tuple(
        Sample(pod.name, chance.randint(0, 9_000), at - 5, 30.0) for pod in pods if chance.random() < 0.8))


def a_run(spec: HpaSpec, seed: int) -> list[tuple[HpaSpec, Look, Decision, State]]:
    """Some looks in a row, now and then with a hand in between. Worlds are drawn from a seed: it is faster by far."""
    chance, state, at = random.Random(seed), State(), 0.0
    current, run = chance.randint(spec.minimum, spec.maximum), []
    for _ in range(chance.randint(1, 20)):
        pods = tuple(a_pod(chance, index, at) for index in range(current))
        answers = tuple(an_answer(chance, metric, pods, at) for metric in spec.metrics)
        look = Look(at, current, current, pods, answers)
        state, decision = step(state, spec, look)
        run.append((spec, look, decision, state))
        current = decision.desired if chance.random() < 0.9 else chance.randint(0, spec.maximum + 2)
        at += chance.choice([15.0, 15.000001, 40.0])
    return run


RUNS = st.builds(a_run, SPECS, st.integers(0, 2**32))


@given(RUNS)
def test_what_is_decided_is_within_the_limits_or_is_left_as_it_was(run: list[Any]):
    for spec, look, decision, _ in run:
        assert spec.minimum <= decision.desired <= spec.maximum or decision.desired == look.spec_replicas


@given(RUNS)
def test_the_same_looks_give_the_same_decisions(run: list[Any]):
    state = State()
    for spec, look, decision, after in run:
        state, again = step(state, spec, look)
        assert (again, state) == (decision, after)


@given(RUNS)
def test_the_account_leads_from_what_was_wanted_to_what_was_decided(run: list[Any]):
    for _, look, decision, _ in run:
        account = decision.account
        assert account.current == look.spec_replicas
        steps = [one.before for one in account.reductions] + [decision.desired]
        assert all(one.after == then for one, then in zip(account.reductions, steps[1:], strict=True))
        assert all(one.before != one.after or one.constraint == "PartialMetrics" for one in account.reductions)
        if account.wanted is not None:
            assert steps[0] == account.wanted
        if account.raw is not None:
            assert account.raw == max(one.replicas for one in account.proposals if one.replicas is not None)


@given(RUNS)
def test_no_step_goes_beyond_the_policies(run: list[Any]):
    """Said anew: the replicas at the start of a policy's period, from the decisions alone, and its limit."""
    changes: list[tuple[float, int]] = []
    for spec, look, decision, _ in run:
        moved = decision.desired - look.spec_replicas
        if spec.behavior is not None and moved and spec.minimum <= look.spec_replicas <= spec.maximum:
            rules = spec.behavior.scale_up if moved > 0 else spec.behavior.scale_down
            allowed = [limit(policy, look, changes, up=moved > 0) for policy in rules.policies]
            assert rules.select is not SelectPolicy.DISABLED
            widest = (max if (rules.select is SelectPolicy.MAX) == (moved > 0) else min)(allowed)
            assert decision.desired <= widest if moved > 0 else decision.desired >= widest
        if moved:
            changes.append((look.at, moved))


def limit(policy: Policy, look: Look, changes: list[tuple[float, int]], up: bool) -> float:
    began = look.spec_replicas - sum(by for at, by in changes if look.at - at < policy.period_seconds - 1e-9)
    by = policy.value if policy.type is PolicyType.PODS else began * policy.value / 100
    return began + by + (policy.type is PolicyType.PERCENT) if up else began - by - (policy.type is PolicyType.PERCENT)


@given(SPECS, st.integers(1, 8), VALUES, VALUES, st.data())
def test_more_load_never_asks_for_less(spec: HpaSpec, current: int, low: int, more: int, data: Any):
    """With the same Pods all ready and the same memory, a higher total is never answered with fewer replicas."""
    assume(spec.minimum <= current <= spec.maximum)
    spec = replace(spec, metrics=(METRICS[3],))
    pods = tuple(PodLook(f"p{index}", "Running", True, -500.0, -600.0, False, {}) for index in range(current))
    state, _ = step(State(), spec, Look(-15.0, current, current, pods, (MetricLook(values=(data.draw(VALUES),)),)))
    decided = [step(state, spec, Look(0.0, current, current, pods, (MetricLook(values=(value,)),)))[1].desired
               for value in (low, low + more)]
    assert decided[0] <= decided[1]


@given(st.integers(2, 8), st.integers(0, 6), VALUES)
def test_a_missing_pod_never_makes_a_change_greater(ready: int, missing: int, value: int):
    spec = HpaSpec(1, 1000, (METRICS[0],), Behavior(
        ScalingRules((Policy(PolicyType.PERCENT, 1_000_000, 15),), stabilization_seconds=0),
        ScalingRules((Policy(PolicyType.PERCENT, 100, 15),), stabilization_seconds=0)))
    current = ready + missing
    pods = tuple(PodLook(f"p{index}", "Running", True, -500.0, -600.0, False, {}) for index in range(current))
    some, every = (MetricLook(tuple(Sample(f"p{index}", value, -5.0, 30.0) for index in range(count)))
                   for count in (ready, current))
    damped, plain = (step(State(), spec, Look(0.0, current, current, pods, (answer,)))[1].desired
                     for answer in (some, every))
    assert min(current, plain) <= damped <= max(current, plain)


@given(st.lists(VALUES, min_size=300, max_size=300), st.none() | st.builds(Behavior, RULES, RULES))
@settings(max_examples=20)
def test_the_memory_grows_no_longer_than_the_windows_and_periods_reach(values: list[int], behavior: Behavior | None):
    spec = HpaSpec(1, 40, (METRICS[3],), behavior, ControllerSettings(downscale_stabilization_seconds=60))
    state, current = State(), 5
    for index, value in enumerate(values):
        state, decision = step(state, spec, Look(index * 15.0, current, current, (), (MetricLook(values=(value,)),)))
        current = decision.desired
    assert len(state.recommendations) <= 120 / 15 + 2
    assert len(state.scale_ups) <= 90 / 15 + 2
    assert len(state.scale_downs) <= 90 / 15 + 2


@given(RUNS, st.integers(-(10**6), 10**6))
def test_only_differences_of_time_count(run: list[Any], shift: int):
    state = State()
    for spec, look, decision, _ in run:
        pods = tuple(pod._replace(
            start=None if pod.start is None else pod.start + shift,
            ready_transition=None if pod.ready_transition is None else pod.ready_transition + shift)
            for pod in look.pods)
        answers = tuple(replace(answer, samples=tuple(one._replace(at=one.at + shift) for one in answer.samples))
                        for answer in look.metrics)
        state, moved = step(state, spec, replace(look, at=look.at + shift, pods=pods, metrics=answers))
        assert moved == decision
