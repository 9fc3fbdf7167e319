"""The chart as helm renders it, and values for every field of its schema."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/elastometer"
CACHE = Path(os.environ.get("ELASTOMETER_LAB_CACHE", "/var/cache/elastometer-lab"))
BUILT = sorted((CACHE / "bin").glob("helm-*"))
HELM = shutil.which("helm") or (str(BUILT[-1]) if BUILT else None)
needs_helm = pytest.mark.skipif(HELM is None, reason="NO HELM: chart templates are NOT checked; put helm on PATH")
KUBERNETES = ("--kube-version", "1.35.0")

Json = dict[str, Any]
# Path of a value in values.yaml, whether it is the key of a map, and its schema -> the value.
Pick = Callable[[str, bool, Json], str]


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs helm; its failure is the caller's to judge."""
    assert HELM is not None
    return subprocess.run([HELM, *arguments], capture_output=True, text=True, check=False)


def values_schema() -> Json:
    """The schema of the chart's values."""
    found: Json = json.loads((CHART / "values.schema.json").read_text())
    return found


def template(values: Mapping[str, Any], folder: Path, *, release: str, namespace: str, chart: Path = CHART) -> str:
    """The manifests of a release with these values."""
    (folder / "values.json").write_text(json.dumps(values))
    done = helm("template", release, str(chart), "-n", namespace, *KUBERNETES, "-f", str(folder / "values.json"))
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects_in(text: str) -> list[Json]:
    """The objects of manifests, which are some."""
    objects = [document for document in yaml.safe_load_all(text) if document]
    assert objects
    return objects


def render(values: Mapping[str, Any], folder: Path, *, release: str, namespace: str, chart: Path = CHART) -> list[Json]:
    """The objects of a release with these values."""
    return objects_in(template(values, folder, release=release, namespace=namespace, chart=chart))


def without_quotes(text: str) -> set[str]:
    """Every scalar that is not quoted: what it is taken for depends on who reads it. 1e3 is a number only for some."""
    return {event.value for event in yaml.parse(text) if isinstance(event, yaml.ScalarEvent) and event.style is None}


def filled(schema: Json, pick: Pick, path: str = "") -> Any:
    """A value for all that the schema has: true, the least number, the first of an enum, else what `pick` says."""
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    match kind:
        case "object":
            return _object(schema, pick, path)
        case "array":
            return [filled(schema["items"], pick, f"{path}[]")]
        case "string":
            return schema["enum"][0] if "enum" in schema else pick(path, False, schema)
        case "integer":
            return schema.get("minimum", 1)
    return True


def _object(schema: Json, pick: Pick, path: str) -> Json:
    found = {
        name: filled(child, pick, f"{path}.{name}".lstrip(".")) for name, child in schema.get("properties", {}).items()
    }
    more = schema.get("additionalProperties")
    if more:
        child = more if isinstance(more, dict) else {"type": "string"}
        found[pick(path, True, schema)] = filled(child, pick, f"{path}.*")
    return found


def paths_of_strings(schema: Json) -> Iterator[str]:
    """The path of every value that is a free string."""
    seen: list[str] = []

    def note(path: str, is_key: bool, _: Json) -> str:
        seen.extend([] if is_key else [path])
        return "x"

    filled(schema, note)
    yield from seen
