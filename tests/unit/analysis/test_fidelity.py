"""The share of a live controller's decisions that the replay decides the same."""
from __future__ import annotations

from dataclasses import replace

from elastometer.analysis.autoscaler.fidelity import UNEXPLAINED, Share, fidelity
from elastometer.hpa.parse import parse_hpa
from elastometer.hpa.recording import Observed, RecordedSync, Recording
from elastometer.hpa.state import State
from elastometer.hpa.step import step
from elastometer.hpa.sync import MetricInput, SyncInput

SPEC = parse_hpa({
    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}, "maxReplicas": 20,
    "metrics": [{"type": "External", "external": {
        "metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "2"}}}],
    "behavior": {"scaleUp": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]}},
})


def recording(values: list[int], *, quiet: tuple[int, ...] = ()) -> Recording:
    """What a controller that is our model itself makes of a queue; the syncs of `quiet` left no trace."""
    state, replicas, syncs = State(), 1, []
    for index, value in enumerate(values):
        sync = SyncInput(15.0 * index, replicas, replicas, (), (MetricInput(values=(value * 1000,)),))
        state, decision = step(state, SPEC, sync)
        observed = Observed(decision.desired, decision.rescaled, decision.conditions)
        syncs.append(RecordedSync(sync, observed, seen=index not in quiet))
        replicas = decision.desired
    return Recording("x", SPEC, tuple(syncs))


def test_a_controller_that_decides_as_we_do_is_reproduced_whole():
    found = fidelity(recording([2, 6, 6, 20, 20, 0, 0, 0], quiet=(2, 7)))
    assert (found.all, found.seen, found.inferred) == (Share(8, 8), Share(6, 6), Share(2, 2))
    assert found.misses == ()
    assert found.all.percent == 100


def test_a_restarted_controller_no_longer_knows_what_it_added():
    """It adds two replicas each 60 s at most: again at once, after a restart."""
    whole = recording([40, 40, 40])
    last = whole.syncs[-1]
    _, decision = step(State(), SPEC, last.input)
    assert (last.observed.desired, decision.desired) == (3, 5)
    forgot = replace(last, observed=Observed(decision.desired, True, decision.conditions))
    for restarted, agreed in ((True, 3), (False, 2)):
        syncs = (*whole.syncs[:-1], replace(forgot, restarted=restarted))
        assert fidelity(replace(whole, syncs=syncs)).all == Share(agreed, 3)


def test_a_sync_of_which_nothing_was_seen_counts_in_no_share():
    whole = recording([2, 6, 6])
    hidden = replace(whole.syncs[1], observed=Observed(), seen=False)
    found = fidelity(replace(whole, syncs=(whole.syncs[0], hidden, whole.syncs[2])))
    assert (found.all, found.inferred) == (Share(2, 2), Share(0, 0))
    assert found.inferred.percent is None


def test_a_value_that_was_recorded_wrongly_is_one_miss_with_its_cause_and_makes_no_others():
    """The live controller added two replicas at 15 s and so none within the next 60 s; our record has the value low."""
    whole = recording([2, 20, 20, 20, 20, 20])
    second = whole.syncs[1]
    assert second.observed.desired == 3
    wrong = replace(second, input=replace(second.input, metrics=(MetricInput(values=(2000,)),)), doubts=("was low",))
    found = fidelity(replace(whole, syncs=(whole.syncs[0], wrong, *whole.syncs[2:])))
    [miss] = found.misses
    assert miss.sync.input.at == 15
    assert miss.differences[0] == "replicas: live 3, replayed 1"
    assert any(text.startswith("AbleToScale: live True SucceededRescale") for text in miss.differences)
    assert miss.cause == "was low"
    assert found.all == Share(5, 6)


def test_a_reason_that_differs_is_a_miss_though_the_replicas_agree():
    whole = recording([2, 6, 6])
    last = whole.syncs[-1]
    assert last.observed.conditions is not None
    conditions = {name: replace(one, reason="Other") for name, one in last.observed.conditions.items()
            if name != "ScalingActive"}
    changed = replace(last, observed=replace(last.observed, conditions=conditions))
    [miss] = fidelity(replace(whole, syncs=(*whole.syncs[:-1], changed))).misses
    assert [text.split(":")[0] for text in miss.differences] == ["AbleToScale", "ScalingActive", "ScalingLimited"]
    assert miss.cause == UNEXPLAINED
