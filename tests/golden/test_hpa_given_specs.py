"""400 HPA specs, valid and invalid, with the answers of the decoding, defaulting and validation of the API server of
Kubernetes 1.35.4 (tests/oracle/specs.py draws more). Our parser must refuse and understand the same."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from elastometer.hpa.parse import parse_hpa
from elastometer.hpa.settings import ControllerSettings
from elastometer.model.errors import SpecError

CASES = [orjson.loads(line) for line in
         (Path(__file__).parent.parent / "oracle" / "given-specs.jsonl").read_bytes().splitlines()]


def test_there_are_accepted_and_refused_specs() -> None:
    accepted = sum("spec" in case["answer"] for case in CASES)
    assert accepted > 100
    assert len(CASES) - accepted > 200


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_a_spec_is_refused_in_the_same_field_or_understood_in_the_same_way(case: dict[str, Any]) -> None:
    settings, answer = ControllerSettings(scale_to_zero=case["scaleToZero"]), case["answer"]
    if "spec" in answer:
        assert parse_hpa({"spec": case["spec"]}, settings) == parse_hpa({"spec": answer["spec"]}, settings)
        return
    with pytest.raises(SpecError) as caught:
        parse_hpa({"spec": case["spec"]}, settings)
    fields = set(answer.get("fields", ()))
    if len(fields) == 1:
        assert fields <= {flaw.partition(":")[0] for flaw in caught.value.flaws}
