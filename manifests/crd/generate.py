"""Generates from the schemas of both kinds: the template in that of ElasticityStudy, the chart's copies, docs/crd.md.

Run it after each change to a schema. `--check` only reports whether all are up to date, for CI.
"""
from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
TEST, STUDY = (ROOT / f"manifests/crd/{name}.yaml" for name in ("elasticitytest", "elasticitystudy"))
CHART_COPIES = ROOT / "charts/elastometer/templates/crds"
REFERENCE = ROOT / "docs/crd.md"
# Helm deletes a CRD in `templates/` on uninstall, and with it every object; a CRD in `crds/` it would never upgrade.
ANNOTATION = "  annotations:\n    helm.sh/resource-policy: keep\n"
NAME_LINES = {TEST: "  name: elasticitytests.elastometer.dev\n", STUDY: "  name: elasticitystudies.elastometer.dev\n"}
TEST_SPEC, AFTER_TEST_SPEC = "            spec:\n", "            status:\n"
TEMPLATE, AFTER_TEMPLATE = "                template:\n", "                variants:\n"
TEMPLATE_HEAD = """\
                  type: object
                  description: "The spec of an ElasticityTest, which each variant patches."
"""
# A template is part of a spec that cannot be changed either, so the rule of a test would say the same in worse words.
FROZEN = "self == oldSelf"
INTRODUCTION = """# Every field of both kinds

This page is the reference for everyone who writes an `ElasticityTest` or an `ElasticityStudy` or reads its status:
every field with its type, its limits and its meaning, and the rules that span several fields. It is generated from
`manifests/crd/` by `manifests/crd/generate.py`.

`*` marks a field that is required if its parent is present. `[]` is a list, `{}` a map. A spec cannot be changed once
it is created; create another object instead. Stage types are explained by example in [Load](load.md), studies in
[Studies](studies.md).
"""
OF_TEMPLATE = "The fields and rules of `spec.template` are those of the [spec of an ElasticityTest](#spec)."


def chart_copy(path: Path, source: str) -> str:
    """The schema as a chart template: installed and upgraded with the release, kept when it is uninstalled."""
    line = NAME_LINES[path]
    if "{{" in source or source.count(line) != 1:
        raise ValueError(f"{path}: must hold {line.strip()!r} once and no template braces")
    body = source.replace(line, line + ANNOTATION)
    return "{{- if .Values.crds.install }}\n" + body.rstrip("\n") + "\n{{- end }}\n"


def with_template(study: str, test: str) -> str:
    """The schema of a study whose template has the fields and rules of the spec of a test."""
    before, _, rest = study.partition(TEMPLATE)
    _, following, after = rest.partition(AFTER_TEMPLATE)
    spec = test.partition(TEST_SPEC)[2].partition(AFTER_TEST_SPEC)[0]
    _, rules, body = spec.partition("              required: ")
    frozen = f"                - rule: {FROZEN}\n"
    if not (following and rules) or body.count(frozen) != 1:
        raise ValueError(f"{STUDY}, {TEST}: must have `template` before `variants`, and a spec with the rule {FROZEN}")
    start = body.index(frozen)
    end = body.index("\n", start + len(frozen)) + 1
    shifted = "".join(f"    {line}" for line in (rules + body[:start] + body[end:]).splitlines(keepends=True))
    return before + TEMPLATE + TEMPLATE_HEAD + shifted + following + after


def reference(test: str, study: str) -> str:
    """docs/crd.md: of each kind one table for the spec, one for the status, and the rules across fields."""
    schemas = [yaml.safe_load(text)["spec"]["versions"][0]["schema"]["openAPIV3Schema"] for text in (test, study)]
    template = schemas[1]["properties"]["spec"]["properties"]["template"]
    for key in ("properties", "x-kubernetes-validations"):
        del template[key]
    template["description"] += f" {OF_TEMPLATE}"
    of_test, of_study = section("ElasticityTest", schemas[0], ""), section("ElasticityStudy", schemas[1], " of a study")
    return INTRODUCTION + of_test + of_study


def section(kind: str, schema: dict[str, Any], suffix: str) -> str:
    """The tables of one kind. `suffix` keeps the anchors of its headings apart from those of the other."""
    parts = [f"\n# {kind}\n"]
    for part in ("spec", "status"):
        rows = "\n".join(fields(part, schema["properties"][part], required=part == "spec"))
        parts.append(f"\n## {part}{suffix}\n\n| field | type | limits | meaning |\n|---|---|---|---|\n{rows}\n")
    rules = "\n".join(f"- `{path}`: {message}" for path, message in cross_field_rules("", schema))
    return "".join(parts) + f"\n## Rules across fields{suffix}\n\n{rules}\n"


def fields(path: str, node: dict[str, Any], *, required: bool) -> Iterator[str]:
    """One row for the node, then the rows of its children."""
    mark = "*" if required else ""
    yield f"| `{path}`{mark} | {kind(node)} | {limits(node)} | {cell(node.get('description', ''))} |"
    yield from children(path, node)


def children(path: str, node: dict[str, Any]) -> Iterator[str]:
    """The rows below a node. A list of plain values has no rows below it."""
    inner = node.get("items", node)
    suffix = "[]" if "items" in node else ""
    if inner is not node and not inner.get("properties"):
        return
    for name, child in inner.get("properties", {}).items():
        yield from fields(f"{path}{suffix}.{name}", child, required=name in inner.get("required", []))


def kind(node: dict[str, Any]) -> str:
    """The type, as the table shows it."""
    if "enum" in node:
        return " \\| ".join(f"`{value}`" for value in node["enum"])
    if "items" in node:
        return f"{node['items']['type']}[]"
    if "additionalProperties" in node:
        return f"{node['additionalProperties']['type']}{{}}"
    if node.get("x-kubernetes-int-or-string"):
        return "integer or string"
    return str(node.get("format", node["type"]))


def limits(node: dict[str, Any]) -> str:
    """Bounds and default, in the terms of the schema."""
    parts = [f"default `{node['default']}`"] if "default" in node else []
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None or high is not None:
        parts.append(f"{'' if low is None else low}–{'' if high is None else high}")
    for key, unit in (("maxLength", "characters"), ("maxItems", "items"), ("maxProperties", "keys")):
        if key in node:
            parts.append(f"at most {node[key]} {unit}")
    if "pattern" in node:
        parts.append(f"`{cell(node['pattern'])}`")
    if node.get("x-kubernetes-preserve-unknown-fields"):
        parts.append("further fields are passed through")
    return ", ".join(parts)


def cross_field_rules(path: str, node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(path, message) of every CEL rule at or below the node."""
    for rule in node.get("x-kubernetes-validations", []):
        yield path or "(root)", rule["message"]
    if "items" in node:
        yield from cross_field_rules(f"{path}[]", node["items"])
    for name, child in node.get("properties", {}).items():
        yield from cross_field_rules(f"{path}.{name}".lstrip("."), child)


def cell(text: str) -> str:
    """The text as a table cell: what would end the cell is escaped."""
    return text.replace("|", "\\|").replace("\n", " ")


def generated() -> Iterator[tuple[Path, str]]:
    """Every generated file with its text."""
    test = TEST.read_text()
    study = with_template(STUDY.read_text(), test)
    yield STUDY, study
    for path, text in ((TEST, test), (STUDY, study)):
        yield CHART_COPIES / path.name, chart_copy(path, text)
    yield REFERENCE, reference(test, study)


def main(arguments: list[str]) -> int:
    is_check = "--check" in arguments
    stale = [(path, text) for path, text in generated() if not path.exists() or path.read_text() != text]
    for path, text in stale:
        if not is_check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        print(("stale: " if is_check else "written: ") + str(path.relative_to(ROOT)))
    return 1 if stale and is_check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
