"""Which stages of a load the operator runs in a cluster, and what it says of the others."""

from typing import Any

import pytest

from elastometer.model.errors import SpecError
from elastometer.model.spec import parse

RATE = {"name": "after", "type": "Rate", "durationSeconds": 10, "endRequestsPerSecond": "1"}


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ({"name": "replay", "type": "Trace", "file": "azure.csv", "format": "AzureLLM"},
         "spec.load.stages[0].type: must be Rate, is Trace: its file is not there in a cluster; use elastometer-load "
         "run"),
        ({"name": "crowd", "type": "Users", "users": 5, "durationSeconds": 5},
         "spec.load.stages[0].type: must be Rate: a closed loop cannot be run in a cluster yet; use elastometer-load "
         "run"),
    ],
)  # fmt: skip
def test_what_the_load_job_cannot_run_is_refused_by_name(
    demo_body: dict[str, Any], stage: dict[str, Any], words: str
) -> None:
    demo_body["spec"]["load"]["stages"] = [stage, RATE]
    demo_body["spec"].pop("objectives", None)
    with pytest.raises(SpecError) as caught:
        parse(demo_body)
    assert str(caught.value) == words
