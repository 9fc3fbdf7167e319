"""Generates from the schema of ElasticityTest: the chart's copy of it and docs/crd.md.

Run it after each change to the schema. `--check` only reports whether both are up to date, for CI.
"""
from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "manifests/crd/elasticitytest.yaml"
CHART_COPY = ROOT / "charts/elastometer/templates/crds/elasticitytest.yaml"
REFERENCE = ROOT / "docs/crd.md"
# Helm deletes a CRD in `templates/` on uninstall, and with it every test; a CRD in `crds/` it would never upgrade.
ANNOTATION = "  annotations:\n    helm.sh/resource-policy: keep\n"
NAME_LINE = "  name: elasticitytests.elastometer.dev\n"
INTRODUCTION = """# ElasticityTest: every field

This page is the reference for everyone who writes an `ElasticityTest` or reads its status: every field with its type,
its limits and its meaning, and the rules that span several fields. It is generated from
`manifests/crd/elasticitytest.yaml` by `manifests/crd/generate.py`.

`*` marks a field that is required if its parent is present. `[]` is a list, `{}` a map. A spec cannot be changed once
it is created; create another `ElasticityTest` instead. Stage types are explained by example in [Load](load.md).
"""


def chart_copy(source: str) -> str:
    """The schema as a chart template: installed and upgraded with the release, kept when it is uninstalled."""
    if "{{" in source or source.count(NAME_LINE) != 1:
        raise ValueError(f"{SOURCE}: must hold {NAME_LINE.strip()!r} once and no template braces")
    body = source.replace(NAME_LINE, NAME_LINE + ANNOTATION)
    return "{{- if .Values.crds.install }}\n" + body.rstrip("\n") + "\n{{- end }}\n"


def reference(source: str) -> str:
    """docs/crd.md: one table for the spec, one for the status."""
    schema = yaml.safe_load(source)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    parts = [INTRODUCTION]
    for part in ("spec", "status"):
        rows = "\n".join(fields(part, schema["properties"][part], required=part == "spec"))
        parts.append(f"\n## {part}\n\n| field | type | limits | meaning |\n|---|---|---|---|\n{rows}\n")
    rules = "\n".join(f"- `{path}`: {message}" for path, message in cross_field_rules("", schema))
    return "".join(parts) + f"\n## Rules across fields\n\n{rules}\n"


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


def main(arguments: list[str]) -> int:
    source = SOURCE.read_text()
    stale = []
    for path, text in ((CHART_COPY, chart_copy(source)), (REFERENCE, reference(source))):
        if not path.exists() or path.read_text() != text:
            stale.append(path)
            if "--check" not in arguments:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
    for path in stale:
        print(("stale: " if "--check" in arguments else "written: ") + str(path.relative_to(ROOT)))
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
