"""Without an API server a test is refused for what the API server refuses, by the very schema of the CRD."""
from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.offline import checked_spec
from elastometer.cli.main import main
from support.bad_specs import TABLE, bad

ROOT = Path(__file__).parents[2]
CRD = ROOT / "manifests/crd/elasticitytest.yaml"
COPY = ROOT / "operator/src/elastometer/cli/elasticitytest.yaml"
SCHEMA = yaml.safe_load(CRD.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]


def test_the_schema_in_the_package_is_the_crd_s():
    """It is a link; where a checkout has no links, the copy must be the same."""
    assert COPY.read_text() == CRD.read_text()


def keys_of(node: Any) -> set[str]:
    """Every keyword of a schema; names of fields are not keywords."""
    if not isinstance(node, dict):
        return set()
    below = [*node.get("properties", {}).values(), node.get("items"), node.get("additionalProperties")]
    return set(node).union(*(keys_of(child) for child in below))


def test_every_keyword_of_the_schema_is_understood_or_known_not_to_refuse():
    checked = {"type", "required", "properties", "items", "additionalProperties", "enum", "pattern", "minimum",
               "maximum", "minLength", "maxLength", "minItems", "maxItems", "maxProperties", "default",
               "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"}
    elsewhere = {"description", "format", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
                 "x-kubernetes-validations"}
    assert keys_of(SCHEMA) <= checked | elsewhere


@pytest.mark.parametrize("row", [row for row in TABLE if "refused" in row], ids=lambda row: str(row["name"]))
def test_what_the_api_server_refuses_is_refused_offline(row: dict[str, Any]):
    with pytest.raises(CliError) as refused:
        checked_spec("bad.yaml", bad(row))
    assert refused.value.code == Exit.SPEC_OR_USAGE
    assert len(refused.value.lines) > 1


@pytest.mark.parametrize("row", [row for row in TABLE if "refused" not in row], ids=lambda row: str(row["name"]))
def test_what_only_the_operator_can_refuse_ends_in_words_and_never_in_a_crash(row: dict[str, Any], tmp_path: Path):
    test = copy.deepcopy(bad(row))
    if "stages" in row.get("at", ""):
        expected = (Exit.SPEC_OR_USAGE,)
    else:
        expected = (Exit.PASSED, Exit.FAILED, Exit.SPEC_OR_USAGE, Exit.INCONCLUSIVE)
    path = tmp_path / "test.yaml"
    path.write_text(yaml.safe_dump(test, allow_unicode=True))
    assert main(["simulate", str(path), "--draws", "1"]) in expected


def with_checks(**more: object) -> dict[str, Any]:
    test = copy.deepcopy(yaml.safe_load((ROOT / "manifests/samples/demo.yaml").read_text()))
    test["spec"]["load"]["tasks"][0]["checks"] = [{"type": "MinimumTokens", "minimum": 16}]
    test["spec"]["objectives"] = [{"name": "long-enough", "indicator": "AnswerCheck", "checkType": "MinimumTokens",
                                   "minimumPercent": 99, **more}]
    return test


def test_an_objective_on_a_check_that_a_task_has_is_taken():
    spec = checked_spec("good.yaml", with_checks(stageName="calm", taskName="poem"))
    assert "percentile" not in spec.raw["objectives"][0]


@pytest.mark.parametrize(("more", "words"), [
    ({"taskName": "other"}, "checkType: must be the type of one of the checks of the task 'other', is 'MinimumTokens'"),
    ({"checkType": "JSON"}, "checkType: must be the type of one of the checks of a task of load.tasks, is 'JSON'"),
    ({"stageName": "nowhere"}, "stageName: must be one of calm, ramp, plateau, drop, is 'nowhere'"),
])
def test_an_objective_on_a_check_that_no_task_has_is_refused_by_path_rule_and_value(more: dict[str, str], words: str):
    with pytest.raises(CliError) as refused:
        checked_spec("bad.yaml", with_checks(**more))
    assert refused.value.lines[1:] == (f"  spec.objectives[0].{words}",)


def test_a_prediction_does_not_judge_an_objective_on_answers_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    path = tmp_path / "test.yaml"
    path.write_text(yaml.safe_dump(with_checks()))
    assert main(["simulate", str(path), "--draws", "1"]) == Exit.INCONCLUSIVE
    assert "`answer check MinimumTokens` cannot be judged" in capsys.readouterr().out
