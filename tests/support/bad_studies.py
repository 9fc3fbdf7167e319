"""The table of bad studies: the sample with one change each, and by whom it is refused."""
from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
TABLE: list[dict[str, Any]] = yaml.safe_load((ROOT / "tests/e2e/bad_studies.yaml").read_text())["studies"]


def bad_study(row: dict[str, Any]) -> dict[str, Any]:
    """The sample with the row's one change, under the row's name. The text '@300' stands for 300 letters, '#21' for 21
    variants, and an object with '<' for the sample's own with its further fields."""
    study: dict[str, Any] = yaml.safe_load((ROOT / "manifests/samples/study-demo.yaml").read_text())
    study["metadata"]["name"] = row.get("study", row["name"][:25].strip("-"))
    *parents, last = [int(part) if part.isdigit() else part for part in (row.get("at") or row["without"]).split(".")]
    place: Any = study
    for part in parents:
        place = place[part]
    if "without" in row:
        del place[last]
    else:
        place[last] = _meant(row["to"], study)
    return study


def _meant(value: Any, study: dict[str, Any]) -> Any:
    if isinstance(value, str) and value[:1] == "@" and value[1:].isdigit():
        return "a" * int(value[1:])
    if isinstance(value, str) and value[:1] == "#" and value[1:].isdigit():
        return [{"name": f"v{number}"} for number in range(int(value[1:]))]
    if isinstance(value, dict) and "<" in value:
        changes = {key: _meant(item, study) for key, item in value.items() if key != "<"}
        return {**copy.deepcopy(study[value["<"]]), **changes}
    return value
