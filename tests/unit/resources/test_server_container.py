"""The container that is created is the one whose flags are read, and the load asks for the name that it serves."""
from __future__ import annotations

from typing import Any

import pytest
import yaml

from elastometer.model.errors import SpecError
from elastometer.model.names import PROFILE_KEY
from elastometer.model.spec import parse
from elastometer.plan import Environment, TestPlan
from elastometer.resources.load import profile_map
from elastometer.resources.target import deployment


def planned(
    body: dict[str, Any], environment: Environment, args: list[str], overlay: dict[str, Any] | None = None,
) -> TestPlan:
    """The demo with these arguments, and with these fields of the container's overlay."""
    server = body["spec"]["target"]["server"]
    server["args"] = args
    server["podTemplate"]["spec"]["containers"][0] |= overlay or {}
    return TestPlan(parse(body), environment)


@pytest.mark.parametrize("overlay", [{}, {"args": ["m", "--port=8000", "--max-num-seqs=2"]}, {"args": None}])
def test_the_flags_are_read_from_the_arguments_that_the_container_gets(
    demo_body: dict[str, Any], environment: Environment, overlay: dict[str, Any],
) -> None:
    plan = planned(demo_body, environment, ["--max_num_seqs", "4"], overlay)
    container = deployment(plan)["spec"]["template"]["spec"]["containers"][0]
    assert [word.text for word in plan.spec.server.flags.words] == container.get("args", [])


@pytest.mark.parametrize(("args", "model"), [
    (["--max-num-seqs=4"], "Qwen/Qwen2.5-0.5B-Instruct"), (["--served_model_name", "chat", "other"], "chat"),
])
def test_requests_name_the_model_as_the_server_serves_it(
    demo_body: dict[str, Any], environment: Environment, args: list[str], model: str,
) -> None:
    made = profile_map(planned(demo_body, environment, args))
    assert yaml.safe_load(made["data"][PROFILE_KEY])["model"] == model


def test_a_test_whose_server_would_refuse_its_arguments_is_refused(
    demo_body: dict[str, Any], environment: Environment,
) -> None:
    with pytest.raises(SpecError, match=r"spec\.target\.server\.args\[1\]: --max-num-seqs must be a whole number"):
        planned(demo_body, environment, ["--max-model-len=4k", "--max_num_seqs=a few"])
