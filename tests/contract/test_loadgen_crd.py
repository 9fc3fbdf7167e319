"""spec.load of the CRD and the profile that the load generator reads are one and the same format."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from elastometer_loadgen.checks.check import CheckType
from elastometer_loadgen.checks.fingerprint import FINGERPRINT_FIELDS, FingerprintLines
from elastometer_loadgen.checks.parse import CHECK_FIELDS
from elastometer_loadgen.profile.messages import MESSAGE_FIELDS, Role
from elastometer_loadgen.profile.offer import TaskOrder
from elastometer_loadgen.profile.profile import PROFILE_FIELDS, ConnectionPolicy, parse_profile
from elastometer_loadgen.profile.sampling import SAMPLING_FIELDS, SeedRule
from elastometer_loadgen.profile.task import TASK_FIELDS, Endpoint, ResponseFormat
from elastometer_loadgen.stages.knee import KneeVariable
from elastometer_loadgen.stages.objectives import OBJECTIVE_FIELDS, KneeIndicator, Statistic
from elastometer_loadgen.stages.parse import COMMON_FIELDS, READERS
from elastometer_loadgen.stages.rate import Arrivals
from elastometer_loadgen.stages.stage import StageRole, StageType
from elastometer_loadgen.stages.trace_file import TraceFormat

CHART = Path(__file__).parents[2] / "charts" / "elastometer" / "templates" / "crds" / "elasticitytest.yaml"
# The target names the model in an ElasticityTest.
STANDALONE_FIELDS = {"model"}


def load_schema() -> dict[str, Any]:
    text = "\n".join(line for line in CHART.read_text().splitlines() if not line.startswith("{{"))
    version = yaml.safe_load(text)["spec"]["versions"][0]
    load: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["load"]
    return load


def test_every_field_is_known_on_both_sides() -> None:
    fields = load_schema()["properties"]
    assert set(fields) == set(PROFILE_FIELDS) - STANDALONE_FIELDS
    stage = fields["stages"]["items"]["properties"]
    assert set(stage["type"]["enum"]) == set(StageType)
    known = {name for kind in StageType for name in READERS[kind].fields}
    assert set(stage) == set(COMMON_FIELDS) | known
    assert set(stage["objectives"]["items"]["properties"]) == set(OBJECTIVE_FIELDS)
    assert set(fields["tasks"]["items"]["properties"]) == set(TASK_FIELDS)
    assert set(fields["tasks"]["items"]["properties"]["sampling"]["properties"]) == set(SAMPLING_FIELDS)
    assert set(fields["tasks"]["items"]["properties"]["checks"]["items"]["properties"]) == set(CHECK_FIELDS)
    assert set(fields["tasks"]["items"]["properties"]["messages"]["items"]["properties"]) == set(MESSAGE_FIELDS)
    assert set(fields["fingerprints"]["properties"]) == set(FINGERPRINT_FIELDS)


def test_every_word_of_the_crd_is_understood() -> None:
    fields = load_schema()["properties"]
    stage, task = fields["stages"]["items"]["properties"], fields["tasks"]["items"]["properties"]
    words = {
        Endpoint: fields["endpoint"]["enum"],
        ConnectionPolicy: fields["connection"]["properties"]["policy"]["enum"],
        StageType: stage["type"]["enum"],
        TraceFormat: stage["format"]["enum"],
        KneeVariable: stage["of"]["enum"],
        KneeIndicator: stage["objectives"]["items"]["properties"]["indicator"]["enum"],
        Statistic: stage["objectives"]["items"]["properties"]["statistic"]["enum"],
        StageRole: stage["role"]["enum"],
        TaskOrder: fields["taskOrder"]["enum"],
        Arrivals: stage["arrivals"]["enum"],
        CheckType: task["checks"]["items"]["properties"]["type"]["enum"],
        ResponseFormat: task["responseFormat"]["enum"],
        SeedRule: task["sampling"]["properties"]["seed"]["enum"],
        FingerprintLines: fields["fingerprints"]["properties"]["lines"]["enum"],
        Role: task["messages"]["items"]["properties"]["role"]["enum"],
    }
    for kind, enum in words.items():
        assert set(enum) == {word.value for word in kind}


def test_what_is_absent_means_the_same_with_and_without_a_cluster() -> None:
    fields = load_schema()["properties"]
    stage = {"name": "s", "type": "Rate", "durationSeconds": 5, "endRequestsPerSecond": "1"}
    task = {"name": "t", "prompt": "x"}
    absent = parse_profile({"stages": [stage], "tasks": [task]})
    filled = {name: schema["default"] for name, schema in fields.items() if "default" in schema}
    for item, kind in ((stage, "stages"), (task, "tasks")):
        schemas = fields[kind]["items"]["properties"]
        item |= {name: schema["default"] for name, schema in schemas.items() if "default" in schema}
    assert parse_profile({"stages": [stage], "tasks": [task], **filled}) == absent


@pytest.mark.parametrize(
    "name", ["workers", "timeoutSeconds", "idleTimeoutSeconds", "latenessBoundMilliseconds"]
)
def test_what_the_api_server_accepts_is_accepted_here(name: str) -> None:
    schema = load_schema()["properties"][name]
    stages = [{"name": "s", "type": "Rate", "durationSeconds": 5, "endRequestsPerSecond": "1"}]
    for value in (schema["minimum"], schema["maximum"]):
        parse_profile({"stages": stages, name: value})
