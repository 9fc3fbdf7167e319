"""Trace files: what is read, and what is refused with file, line, path, rule and value."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard

from elastometer.hpa.decision import Condition
from elastometer.hpa.recording import Observed, ObservedAccount
from elastometer.hpa.settings import ControllerSettings
from elastometer.hpa.sync import MetricInput, PodInput, Sample, SyncInput
from elastometer.hpa.trace import recording_from
from elastometer.model.errors import SpecError
from elastometer.world.trace_reader import TraceFileError, is_trace_file, read_recordings

TRACE: dict[str, Any] = {
    "name": "one",
    "controller": {"tolerance": 0.2, "downscaleStabilizationSeconds": 60, "cpuInitializationPeriodSeconds": 1,
                   "initialReadinessDelaySeconds": 2, "syncPeriodSeconds": 30},
    "hpa": {
        "scaleTargetRef": {"kind": "Deployment", "name": "server", "apiVersion": "apps/v1"},
        "minReplicas": 1, "maxReplicas": 5,
        "metrics": [
            {"type": "Pods", "pods": {"metric": {"name": "waiting"},
                                      "target": {"type": "AverageValue", "averageValue": "2"}}},
            {"type": "External", "external": {"metric": {"name": "queue"},
                                              "target": {"type": "AverageValue", "averageValue": "2"}}},
        ],
    },
    "syncs": [
        {"atSeconds": 0.5, "specReplicas": 1, "statusReplicas": 1,
         "pods": [{"name": "a", "phase": "Running", "ready": True, "readyTransitionSeconds": -5, "startSeconds": -9,
                   "deleting": False, "requests": {"cpu": "500m"}},
                  {"name": "b", "phase": "Pending", "ready": False, "deleting": True, "requests": {},
                   "containerRequests": {"engine": {"cpu": "1"}}}],
         "metrics": [{"samples": [{"pod": "a", "value": "1500m", "timestampSeconds": -1, "windowSeconds": 30}]},
                     {"error": "down"}]},
        {"atSeconds": 15.5, "specReplicas": 1, "statusReplicas": 1, "scaleError": "gone", "controllerRestarted": True,
         "pods": [], "metrics": [{}, {"values": ["3", "1"]}]},
    ],
    "expected": [
        {"desiredReplicas": 1, "rescaled": False, "events": ["B", "A"], "conditions": {"AbleToScale": ["True", "R"]},
         "account": {"proposedReplicas": 1, "statusDesiredReplicas": 1,
                     "currentMetrics": [{"milliUnits": 1500}, None]}},
        {"desiredReplicas": 1, "rescaled": False, "conditions": {}},
    ],
}


def test_a_trace_is_read_whole():
    recording = recording_from(TRACE)
    first, second = recording.syncs
    assert recording.spec.controller == ControllerSettings(0.2, 60, 1, 2, 30)
    assert first.input == SyncInput(0.5, 1, 1, (
        PodInput("a", "Running", True, -5.0, -9.0, False, {"cpu": 500}),
        PodInput("b", "Pending", None, None, None, True, {}, {"engine": {"cpu": 1000}}),
    ), (MetricInput((Sample("a", 1500, -1.0, 30.0),)), MetricInput(error="down")))
    assert first.observed == Observed(
        1, False, {"AbleToScale": Condition("True", "R")}, ("A", "B"), ObservedAccount(1, 1, (1500, None)))
    assert (second.input.scale_error, second.restarted, second.input.metrics[1].values) == ("gone", True, (3000, 1000))
    assert second.observed == Observed(1, False, {}, ())


def test_a_trace_without_expectations_is_read_too():
    trace = {key: value for key, value in TRACE.items() if key != "expected"}
    assert recording_from(trace).syncs[0].observed == Observed()


def put(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Sets the value at a place, or removes it (None)."""
    def change(trace: dict[str, Any]) -> None:
        node: Any = trace
        *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        for step in way:
            node = node[step]
        if value is None:
            del node[last]
        else:
            node[last] = value
    return change


@pytest.mark.parametrize(("change", "flaw"), [
    (put("name", None), "name: must be a string, is absent"),
    (put("hpa", None), "hpa: must be given, is absent"),
    (put("syncs", None), "syncs: must hold at least one sync, is absent"),
    (put("syncs", []), "syncs: must hold at least one sync, is a list of 0"),
    (put("expected.1", None), "expected: must hold one entry for each of the 2 syncs, is a list of 1"),
    (put("controller", None), "controller.tolerance: must be a number, is absent"),
    (put("controller.syncPeriodSeconds", None), "controller.syncPeriodSeconds: must be a number, is absent"),
    (put("controller.syncPeriodSeconds", -1), "controller.syncPeriodSeconds: must not be negative, is -1"),
    (put("controller.featureGates", {"HPAScaleToZero": "on"}),
     "controller.featureGates.HPAScaleToZero: must be true or false, is 'on'"),
    (put("syncs.0.pods", None), "syncs[0].pods: must be given where statusReplicas is above 0, is absent"),
    (put("syncs.0.pods.0.name", None), "syncs[0].pods[0].name: must be a string, is absent"),
    (put("syncs.0.pods.0.ready", None), "syncs[0].pods[0].ready: must be true or false, is absent"),
    (put("syncs.0.pods.0.deleting", None), "syncs[0].pods[0].deleting: must be true or false, is absent"),
    (put("expected.0.rescaled", None), "expected[0].rescaled: must be true or false, is absent"),
    (put("expected.0.conditions", None), "expected[0].conditions: must be given, is absent"),
    (put("controller.tolerance", "10%"), "controller.tolerance: must be a number, is '10%'"),
    (put("hpa.maxReplicas", 0), "hpa.maxReplicas: must be a whole number from 1 to 2147483647, is 0"),
    (put("hpa.metrics.0.type", "Podz"),
     "hpa.metrics[0].type: must be one of Resource, ContainerResource, Pods, Object, External, is 'Podz'"),
    (put("syncs.0.atSeconds", None), "syncs[0].atSeconds: must be a number, is absent"),
    (put("syncs.1.atSeconds", 0.25),
     "syncs[1].atSeconds: must not be earlier than that of the sync before it (0.5), is 0.25"),
    (put("syncs.0.specReplicas", None),
     "syncs[0].specReplicas: must be a whole number from 0 to 2147483647, is absent"),
    (put("syncs.0.specReplicas", -1), "syncs[0].specReplicas: must be a whole number from 0 to 2147483647, is -1"),
    (put("syncs.0.statusReplicas", 1.5),
     "syncs[0].statusReplicas: must be a whole number from 0 to 2147483647, is 1.5"),
    (put("syncs.0.metrics.1", None),
     "syncs[0].metrics: must hold one answer for each of the 2 metrics of the spec, is a list of 1"),
    (put("syncs.0.metrics", None),
     "syncs[0].metrics: must hold one answer for each of the 2 metrics of the spec, is absent"),
    (put("syncs.1.metrics", [{}, {}, {}]),
     "syncs[1].metrics: must hold one answer for each of the 2 metrics of the spec, is a list of 3"),
    (put("syncs.0.metrics.0.samples.0.value", "1,5"),
     "syncs[0].metrics[0].samples[0].value: must be a quantity such as 500m, 1.5 or 2Gi, is '1,5'"),
    (put("syncs.0.metrics.0.samples.0.value", None),
     "syncs[0].metrics[0].samples[0].value: must be a quantity such as 500m, 1.5 or 2Gi, is absent"),
    (put("syncs.0.metrics.0.samples.0.pod", None), "syncs[0].metrics[0].samples[0].pod: must be a string, is absent"),
    (put("syncs.0.metrics.0.samples.0.windowSeconds", None),
     "syncs[0].metrics[0].samples[0].windowSeconds: must be a number, is absent"),
    (put("syncs.1.metrics.1.values.1", "two"),
     "syncs[1].metrics[1].values[1]: must be a quantity such as 500m, 1.5 or 2Gi, is 'two'"),
    (put("syncs.1.metrics.0.values", ["1"]),
     "syncs[1].metrics[0].values: must be absent for a metric of type Pods, which has samples, is a list of 1"),
    (put("syncs.1.metrics.1.samples", []),
     "syncs[1].metrics[1].samples: must be absent for a metric of type External, which has values, is a list of 0"),
    (put("syncs.0.pods.0.phase", "Sleeping"), "syncs[0].pods[0].phase: must be one of "
     "Failed, Pending, Running, Succeeded, Unknown, is 'Sleeping'"),
    (put("syncs.0.pods.1.name", "a"), "syncs[0].pods: must hold each Pod once, is a list of 2"),
    (put("syncs.0.pods.0.ready", "yes"), "syncs[0].pods[0].ready: must be true or false, is 'yes'"),
    (put("syncs.0.pods.0.requests.cpu", "half"),
     "syncs[0].pods[0].requests.cpu: must be a quantity such as 500m, 1.5 or 2Gi, is 'half'"),
    (put("syncs.0.pods.0", 7), "syncs[0].pods[0]: must be an object, is 7"),
    (put("expected.0.desiredReplicas", None),
     "expected[0].desiredReplicas: must be a whole number from 0 to 2147483647, is absent"),
    (put("sync", []), "sync: is not a known field; did you mean syncs?"),
    (put("controller.syncPeriod", 15), "controller.syncPeriod: is not a known field; did you mean syncPeriodSeconds?"),
    (put("controller.featureGates", {"HPAScaletoZero": True}),
     "controller.featureGates.HPAScaletoZero: is not a known field; did you mean HPAScaleToZero?"),
    (put("hpa.minreplicas", 2),
     "hpa.minreplicas: is not a known field of autoscaling/v2 in Kubernetes 1.35; did you mean minReplicas?"),
    (put("hpa.metrics.0.pods.target.averagevalue", "9"), "hpa.metrics[0].pods.target.averagevalue: is not a known "
     "field of autoscaling/v2 in Kubernetes 1.35; did you mean averageValue?"),
    (put("syncs.0.controllerrestarted", True),
     "syncs[0].controllerrestarted: is not a known field; did you mean controllerRestarted?"),
    (put("syncs.0.pods.1.readyTransition", 3),
     "syncs[0].pods[1].readyTransition: is not a known field; did you mean readyTransitionSeconds?"),
    (put("syncs.1.metrics.1.value", ["1"]), "syncs[1].metrics[1].value: is not a known field; did you mean values?"),
    (put("syncs.0.metrics.0.samples.0.window", 1),
     "syncs[0].metrics[0].samples[0].window: is not a known field; did you mean windowSeconds?"),
    (put("expected.1.event", []), "expected[1].event: is not a known field; did you mean events?"),
    (put("expected.0.conditions.AbleToScale", ["True"]),
     "expected[0].conditions.AbleToScale: must be a list of status and reason, is a list of 1"),
])
def test_a_wrong_trace_is_refused_with_path_rule_and_value(change: Callable[[dict[str, Any]], None], flaw: str):
    trace = copy.deepcopy(TRACE)
    change(trace)
    with pytest.raises(SpecError) as caught:
        recording_from(trace)
    assert flaw in caught.value.flaws


def written(tmp_path: Path, content: bytes, name: str = "traces.jsonl") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


GOOD = orjson.dumps(TRACE) + b"\n"


@pytest.mark.parametrize(("content", "flaw"), [
    (b"", ": must hold a trace on each line, is empty"),
    (GOOD + b"{", ", line 2: must be one JSON object: "),
    (GOOD + b"\n[1]\n", ", line 3: must be one JSON object, is list"),
    (GOOD + GOOD.replace(b'"one"', b"1"), ", line 2: name: must be a string, is 1"),
])
def test_a_line_that_is_not_a_trace_is_named(tmp_path: Path, content: bytes, flaw: str):
    path = written(tmp_path, content)
    with pytest.raises(TraceFileError) as caught:
        list(read_recordings(path))
    assert caught.value.flaws[0].startswith(f"{path}{flaw}")


def test_what_comes_before_a_wrong_line_is_read(tmp_path: Path):
    found = read_recordings(written(tmp_path, GOOD + b"{"))
    assert next(found).name == "one"


def test_the_flaws_of_twenty_bad_lines_are_reported_not_only_the_first_ones(tmp_path: Path):
    path = written(tmp_path, GOOD + b"{\n" + GOOD + b"[1]\n" * 18 + GOOD + b'{"name": 1}\n' + b"{\n" * 9)
    with pytest.raises(TraceFileError) as caught:
        list(read_recordings(path))
    seen = [flaw.removeprefix(f"{path}, ").split(":")[0] for flaw in caught.value.flaws]
    assert list(dict.fromkeys(seen)) == ["line 2", *(f"line {number}" for number in range(4, 22)), "line 23", "line 24"]
    assert "line 23: name: must be a string, is 1" in "\n".join(caught.value.flaws)
    assert caught.value.flaws[-1] == f"{path}, line 24: is not a trace either; the lines after it were not checked"


def test_a_compressed_file_is_read_over_all_its_frames(tmp_path: Path):
    frame = zstandard.compress(GOOD)
    assert len(list(read_recordings(written(tmp_path, frame + frame, "traces.jsonl.zst")))) == 2


@pytest.mark.parametrize(("name", "flaw"), [("absent.jsonl", "must be a trace file"),
                                            ("plain.jsonl.zst", "must be compressed with zstd")])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, flaw: str):
    written(tmp_path, b"plain", "plain.jsonl.zst")
    with pytest.raises(TraceFileError, match=flaw):
        list(read_recordings(tmp_path / name))


def test_a_trace_file_is_distinguished_from_a_bundle_by_its_name(tmp_path: Path):
    (tmp_path / "bundle.jsonl").mkdir()
    assert is_trace_file(tmp_path / "a.jsonl.zst")
    assert not is_trace_file(tmp_path / "bundle.tar.zst")
    assert not is_trace_file(tmp_path / "bundle.jsonl")
