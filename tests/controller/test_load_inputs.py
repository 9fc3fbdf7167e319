"""Files and a key that a load needs: read before anything is made, missing ones named with what to do."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from elastometer.controller.inputs import Unusable, check_api_key, read_files
from elastometer.model.spec import parse
from elastometer.plan import Environment, TestPlan

TRACE = {"name": "replay", "type": "Trace", "file": "azure.csv", "format": "AzureLLM"}
MAKE = "kubectl -n staging create configmap traces --from-file=azure.csv --from-file=rows.jsonl"
TASK = {"name": "poem", "messages": [{"role": "user", "content": "{{ theme }}"}], "dataset": {"file": "rows.jsonl"}}


class Held:
    """A cluster that holds one object; what was asked of it is kept."""

    def __init__(self, found: dict[str, Any] | None) -> None:
        self.found, self.asked = found, []

    async def get(self, *names: str) -> dict[str, Any] | None:
        self.asked.append(names)
        return self.found


@pytest.fixture
def plan(demo_body: dict[str, Any], environment: Environment) -> TestPlan:
    demo_body["spec"]["load"] = {
        "stages": [TRACE], "tasks": [TASK], "filesFrom": {"configMapRef": {"name": "traces"}},
        "apiKeyFrom": {"secretKeyRef": {"name": "vllm", "key": "token"}},
    }
    demo_body["spec"].pop("objectives")
    return TestPlan(parse(demo_body), environment)


async def test_only_the_files_that_the_profile_names_are_read(plan: TestPlan) -> None:
    cluster = Held({"data": {"azure.csv": "a", "rows.jsonl": "b", "other": "c"}})
    assert await read_files(plan, cluster) == {"azure.csv": "a", "rows.jsonl": "b"}
    assert cluster.asked == [("v1", "ConfigMap", "staging", "traces")]


@pytest.mark.parametrize(
    ("found", "reason", "words"),
    [
        (None, "LoadFilesMissing", "the ConfigMap 'traces' of spec.load.filesFrom must exist before the test, "
         f"but does not; create it: {MAKE}"),
        ({}, "LoadFilesMissing", f"the ConfigMap 'traces' must have the key 'azure.csv', but has no keys; "
         f"create it again: {MAKE}"),
        ({"data": {"azure.csv": "x", "b": ""}}, "LoadFilesMissing", "the ConfigMap 'traces' must have the key "
         f"'rows.jsonl', but has azure.csv, b; create it again: {MAKE}"),
        ({"data": {"rows.jsonl": "x"}, "binaryData": {"azure.csv": "AA=="}}, "LoadFilesInvalid", "the key 'azure.csv' "
         "of the ConfigMap 'traces' must be UTF-8 text, but is binary; save the file as UTF-8 and create the "
         "ConfigMap again"),
    ],
)
async def test_a_file_that_is_not_there_is_named_with_what_to_do(
    plan: TestPlan, found: dict[str, Any] | None, reason: str, words: str
) -> None:
    with pytest.raises(Unusable) as caught:
        await read_files(plan, Held(found))
    assert (caught.value.reason, str(caught.value)) == (reason, words)


@pytest.mark.parametrize(
    ("found", "reason", "words"),
    [
        (None, "APIKeyMissing",
         "the Secret 'vllm' of spec.load.apiKeyFrom must exist, but does not; create it: kubectl -n staging create "
         "secret generic vllm --from-file=token"),
        ({"data": {"key": "eA=="}}, "APIKeyMissing",
         "the Secret 'vllm' of spec.load.apiKeyFrom must have the key 'token', but does "
         "not; create it: kubectl -n staging create secret generic vllm --from-file=token"),
        ({"data": {"token": "YSBi"}}, "APIKeyInvalid",
         "the key 'token' of the Secret 'vllm' must hold one word of printable ASCII "
         "text, but does not; create the Secret again with the key alone"),
        ({"data": {"token": "//4="}}, "APIKeyInvalid",
         "the key 'token' of the Secret 'vllm' must hold one word of printable ASCII "
         "text, but does not; create the Secret again with the key alone"),
    ],
)
async def test_a_key_that_is_not_there_is_named_and_never_shown(
    plan: TestPlan, found: dict[str, Any] | None, reason: str, words: str
) -> None:
    with pytest.raises(Unusable) as caught:
        await check_api_key(plan, Held(found))
    assert (caught.value.reason, str(caught.value)) == (reason, words)


async def test_a_key_with_the_newline_of_its_file_is_a_key(plan: TestPlan) -> None:
    await check_api_key(plan, Held({"data": {"token": b64encode(b"sk-1\n").decode()}}))


async def test_a_test_without_either_asks_nothing(demo_body: dict[str, Any], environment: Environment) -> None:
    cluster = Held(None)
    plain = TestPlan(parse(demo_body), environment)
    assert await read_files(plain, cluster) == {}
    await check_api_key(plain, cluster)
    assert cluster.asked == []


def test_the_operator_reads_config_maps_and_secrets_by_name_alone(root: Path) -> None:
    rules = (root / "charts/elastometer/templates/_rules.tpl").read_text()
    assert "resources: [configmaps]\n  verbs: [create, get, patch, delete]" in rules
    assert "resources: [secrets]\n  verbs: [create, get]" in rules
