"""Whatever a spec says that the API server accepts, the gate answers: with numbers, or with the reason why not."""
from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from elastometer.cli.base.offline import defaulted_test, served_test
from elastometer.model.bundle import Bundle
from elastometer.model.comparison import GateState
from elastometer.model.errors import SpecError
from elastometer.model.gating import GateBundle, GateTerms
from elastometer.study.gate.gate import Baseline
from elastometer.world.bundle_reader import load_bundle

Json = dict[str, Any]
RUN = Path(__file__).parents[1] / "golden/runs/cpu1"


def dictionaries(**fields: Any) -> Any:
    return st.fixed_dictionaries({}, optional=fields)


policies = st.lists(st.fixed_dictionaries({
    "type": st.sampled_from(["Pods", "Percent", "Other"]), "value": st.integers(0, 2000),
    "periodSeconds": st.sampled_from([0, 1, 15, 1800, 1801])}), max_size=2)
rules = dictionaries(
    stabilizationWindowSeconds=st.sampled_from([-1, 0, 30, 3600, 3601]), policies=policies,
    selectPolicy=st.sampled_from(["Max", "Min", "Disabled", "None"]),
    tolerance=st.sampled_from(["0", "0.1", "99", "x"]))
metrics = st.lists(st.builds(
    lambda name, kind, value: {"type": "Pods", "pods": {
        "metric": {"name": name}, "target": {"type": kind, "averageValue": value}}},
    st.sampled_from(["vllm_num_requests_waiting", "vllm_num_requests_running", "queue_of_another_system"]),
    st.sampled_from(["AverageValue", "Value"]), st.sampled_from(["0", "500m", "2", "1e3", "two", "-1"])), max_size=2)
hpas = dictionaries(
    minReplicas=st.integers(-1, 6), maxReplicas=st.sampled_from([0, 1, 4, 40]), metrics=metrics,
    behavior=dictionaries(scaleUp=rules, scaleDown=rules))
arguments = st.lists(st.sampled_from([
    "--max-num-seqs=0", "--max-num-seqs=64", "--shutdown-timeout=0", "--standin-decode-ms-per-token=0", "$(VALUE)",
    "-q", "--standin-startup=import=0", "--standin-startup=bogus=1", "--max-num-seqs"]), max_size=2)


@cache
def recorded() -> tuple[Bundle, Baseline]:
    bundle = defaulted_test(load_bundle(RUN))
    return bundle, Baseline([GateBundle("run", bundle)])


@settings(deadline=None, max_examples=60)
@given(hpas, arguments, st.sampled_from([None, 1, 300]))
def test_the_gate_answers_every_accepted_spec(hpa: Json, more: list[str], scrape: int | None) -> None:
    bundle, baseline = recorded()
    test: Json = orjson.loads(orjson.dumps(bundle.spec))
    spec = test["spec"]
    spec["autoscaler"]["horizontalPodAutoscaler"] |= hpa
    spec["target"]["server"]["args"] += more
    spec["measurement"] |= {} if scrape is None else {"scrapePeriodSeconds": scrape}
    try:
        spec = served_test({"apiVersion": "elastometer.dev/v1alpha1", "kind": "ElasticityTest", **test}).raw
    except SpecError:
        return
    answer = baseline.gate({**test, "spec": spec}, GateTerms())
    (group,) = answer.groups
    assert answer.message
    assert bool(group.rows) != bool(group.reason)
    assert group.rows or answer.state is GateState.CANNOT_TELL
    for row in group.rows:
        assert row.change.low <= row.expected <= row.change.high
