"""The schema holds to the conventions, and to what a structural schema needs, without an API server."""
from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
KINDS = ("elasticitytest", "elasticitystudy")
VERSIONS = {kind: yaml.safe_load((ROOT / f"manifests/crd/{kind}.yaml").read_text())["spec"]["versions"][0]
            for kind in KINDS}
SCHEMAS = {kind: version["schema"]["openAPIV3Schema"] for kind, version in VERSIONS.items()}
COLUMNS = [(kind, column) for kind in KINDS for column in VERSIONS[kind]["additionalPrinterColumns"]]
KNOWN_KEYS = {"type", "description", "properties", "required", "items", "enum", "minimum", "maximum", "minLength",
              "maxLength", "pattern", "format", "default", "maxItems", "minItems", "maxProperties",
              "additionalProperties"}
KNOWN_EXTENSIONS = {"x-kubernetes-validations", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
                    "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"}
EITHER = "integer or string"


def kind_of(node: dict[str, Any]) -> str | None:
    """The type; a structural schema has none where a value may be of either of two."""
    return EITHER if node.get("x-kubernetes-int-or-string") else node.get("type")


def nodes(path: str, node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from nodes(f"{path}.{name}", child)
    for key in ("items", "additionalProperties"):
        if key in node:
            yield from nodes(f"{path}[]", node[key])


ALL = [pair for kind in KINDS for pair in nodes(kind, SCHEMAS[kind])]
SPEC = [(path, node) for path, node in ALL if path.split(".")[1:2] == ["spec"]]


def test_the_walk_sees_the_whole_schema():
    assert len(ALL) > 400
    assert {"elasticitytest.spec.load.stages[].durationSeconds",
            "elasticitystudy.spec.template.load.stages[].durationSeconds"} <= {path for path, _ in ALL}


def test_the_template_of_a_study_has_the_fields_and_rules_of_the_spec_of_a_test():
    test = SCHEMAS["elasticitytest"]["properties"]["spec"]
    template = SCHEMAS["elasticitystudy"]["properties"]["spec"]["properties"]["template"]
    rules = [rule for rule in test["x-kubernetes-validations"] if rule["rule"] != "self == oldSelf"]
    assert len(rules) == len(test["x-kubernetes-validations"]) - 1
    described = {"description": template["description"], "x-kubernetes-validations": rules}
    assert template == {**test, **described}


def test_no_node_has_a_key_that_the_api_server_would_not_know():
    """Such a key is mostly a description that YAML cut at a comma."""
    assert {(path, key) for path, node in ALL for key in set(node) - KNOWN_KEYS - KNOWN_EXTENSIONS} == set()


def test_every_node_is_typed_and_none_is_a_float():
    assert [path for path, node in ALL if kind_of(node) in (None, "number")] == []
    assert [path for path, node in ALL if kind_of(node) == EITHER and "type" in node] == []


def test_every_list_is_bounded_and_says_how_it_merges():
    lists = [(path, node) for path, node in ALL if kind_of(node) == "array"]
    assert lists
    assert [path for path, node in lists if "maxItems" not in node or "x-kubernetes-list-type" not in node] == []


def test_the_keys_of_every_map_list_are_required_in_its_items():
    keys = [(path, node, key) for path, node in ALL for key in node.get("x-kubernetes-list-map-keys", ())]
    assert keys
    assert [path for path, node, key in keys if key not in node["items"]["required"]] == []


def test_every_string_and_map_of_the_spec_is_bounded():
    strings = [path for path, node in SPEC if kind_of(node) in ("string", EITHER)
               and not {"maxLength", "enum"} & set(node)]
    maps = [path for path, node in SPEC if "additionalProperties" in node and "maxProperties" not in node]
    assert (strings, maps) == ([], [])


def test_every_whole_number_of_the_spec_has_a_floor_and_a_format():
    numbers = [(path, node) for path, node in SPEC if kind_of(node) == "integer"]
    assert numbers
    assert [path for path, node in numbers if "minimum" not in node or "format" not in node] == []
    either = [(path, node) for path, node in SPEC if kind_of(node) == EITHER]
    assert either
    assert [path for path, node in either if not {"minimum", "maximum", "pattern"} <= set(node)] == []


def test_required_fields_and_defaults_exist():
    required = [(path, node) for path, node in ALL if "required" in node]
    defaults = [(path, node) for path, node in ALL if "enum" in node and "default" in node]
    assert required
    assert defaults
    assert [path for path, node in required if not set(node["required"]) <= set(node.get("properties", ()))] == []
    assert [path for path, node in defaults if node["default"] not in node["enum"]] == []


def test_every_rule_says_must_or_may_not_and_names_a_field_in_back_quotes():
    rules = [(path, rule) for path, node in ALL for rule in node.get("x-kubernetes-validations", ())]
    assert len(rules) > 8
    for path, rule in rules:
        assert rule["rule"].strip(), path
        assert "`" in rule["message"], path
        assert "must" in rule["message"] or "may not" in rule["message"], path


@pytest.mark.parametrize(("kind", "column"), COLUMNS, ids=lambda one: one if type(one) is str else one["name"])
def test_every_printer_column_shows_a_field_of_the_schema(kind: str, column: dict[str, Any]):
    node, path = SCHEMAS[kind], column["jsonPath"]
    if path == ".metadata.creationTimestamp":
        return
    for part in path.replace('conditions[?(@.type=="Succeeded")]', "conditions").strip(".").split("."):
        node = node.get("items", node)["properties"][part]
    assert node["type"] == ("string" if column["type"] == "string" else column["type"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_status_is_a_subresource_and_the_version_is_served(kind: str):
    assert VERSIONS[kind]["subresources"] == {"status": {}}
    assert VERSIONS[kind]["served"]
    assert VERSIONS[kind]["storage"]


def test_the_template_the_chart_and_the_reference_hold_today_s_schema():
    command = [sys.executable, str(ROOT / "manifests/crd/generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
