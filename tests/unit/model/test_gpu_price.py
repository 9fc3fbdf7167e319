"""`spec.price`: what is accepted, what is refused and in which words, alike by the CRD and by what reads a file."""
from __future__ import annotations

import copy
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastometer.cli.base.exits import CliError
from elastometer.cli.base.offline import checked_spec
from elastometer.model.errors import SpecError
from elastometer.model.gpu_price import GpuPrice, gpu_price, price_flaws
from elastometer.model.spec import parse

ROOT = Path(__file__).parents[3]
SAMPLE = yaml.safe_load((ROOT / "manifests/samples/demo.yaml").read_text())
CRD = yaml.safe_load((ROOT / "manifests/crd/elasticitytest.yaml").read_text())
SCHEMA = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["price"]


def test_a_price_is_read_to_its_last_digit():
    assert gpu_price({"price": {"perGPUHour": "2.500000", "currency": "EUR"}}) == GpuPrice(Decimal("2.500000"), "EUR")


@pytest.mark.parametrize("spec", [{}, {"price": None}])
def test_a_test_without_a_price_has_none_and_no_flaw(spec: dict[str, Any]):
    assert gpu_price(spec) is None
    assert list(price_flaws(spec)) == []


WRONG: list[tuple[Any, list[str]]] = [
    ("2.50 USD", ["spec.price: must be an object with perGPUHour and currency, is '2.50 USD'"]),
    ({}, ["spec.price.perGPUHour: must be a decimal string above 0, such as \"2.50\", is absent",
          "spec.price.currency: must be a code of three capital letters (ISO 4217), such as USD, is absent"]),
    ({"perGPUHour": 2.5, "currency": "USD"},
     ["spec.price.perGPUHour: must be a decimal string above 0, such as \"2.50\", is 2.5"]),
    ({"perGPUHour": "0.00", "currency": "USD"},
     ["spec.price.perGPUHour: must be a decimal string above 0, such as \"2.50\", is '0.00'"]),
    ({"perGPUHour": "-1", "currency": "USD"},
     ["spec.price.perGPUHour: must be a decimal string above 0, such as \"2.50\", is '-1'"]),
    ({"perGPUHour": "1e3", "currency": "USD"},
     ["spec.price.perGPUHour: must be a decimal string above 0, such as \"2.50\", is '1e3'"]),
    ({"perGPUHour": "2.50", "currency": "usd"},
     ["spec.price.currency: must be a code of three capital letters (ISO 4217), such as USD, is 'usd'"]),
    ({"perGPUHour": "2.50", "currency": "USD", "perGpuHour": "2"},
     ["spec.price.perGpuHour: is not a known field; did you mean `perGPUHour`?"]),
]


@pytest.mark.parametrize(("price", "flaws"), WRONG)
def test_what_is_wrong_is_named_with_its_path_rule_and_value(price: Any, flaws: list[str]):
    found = list(price_flaws({"price": price}))
    assert [flaw.split(":")[0] for flaw in found] == [flaw.split(":")[0] for flaw in flaws]
    assert [flaw for flaw in found if "known" not in flaw] == [flaw for flaw in flaws if "known" not in flaw]
    assert gpu_price({"price": price}) is None


@pytest.mark.parametrize(("price", "flaws"), WRONG)
def test_a_file_with_a_wrong_price_is_refused(price: Any, flaws: list[str]):
    test = copy.deepcopy(SAMPLE)
    test["spec"]["price"] = price
    with pytest.raises(CliError) as refused:
        checked_spec("test.yaml", test)
    assert flaws[0].split(":")[0] in str(refused.value)
    test["metadata"] = {"namespace": "default", **test["metadata"]}
    with pytest.raises(SpecError) as wrong:
        parse(test)
    assert any(flaw.startswith(flaws[0].split(":")[0]) for flaw in wrong.value.flaws)


AMOUNTS = ["0", "0.00", "2.5", "2.500001", "999999.999999", "1000000", "2.", ".5", "2,5", "1e3"]


@pytest.mark.parametrize("amount", AMOUNTS)
def test_the_crd_accepts_the_same_amounts(amount: str):
    field = SCHEMA["properties"]["perGPUHour"]
    by_crd = re.search(field["pattern"], amount) is not None and len(amount) <= field["maxLength"] and float(amount) > 0
    assert by_crd is (not list(price_flaws({"price": {"perGPUHour": amount, "currency": "USD"}})))
    assert SCHEMA["x-kubernetes-validations"][0]["rule"] == "double(self.perGPUHour) > 0.0"
    assert SCHEMA["required"] == ["perGPUHour", "currency"]
