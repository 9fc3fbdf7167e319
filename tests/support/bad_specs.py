"""The table of bad specs: the demo with one change each, and by whom it is refused."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
TABLE: list[dict[str, Any]] = yaml.safe_load((ROOT / "tests/e2e/bad_specs.yaml").read_text())["specs"]
# One of each kind. Only the first stage is named, so that a row may put other stages in the place of the rest.
OBJECTIVES: list[dict[str, Any]] = [
    {"name": "served", "indicator": "RequestSuccess", "minimumPercent": 99},
    {"name": "first-token", "indicator": "TimeToFirstToken", "percentile": 95, "maximumMilliseconds": 500,
     "stageName": "calm"},
    {"name": "cold-start", "indicator": "ColdStart", "percentile": 95, "maximumMilliseconds": 30000},
]


def bad(row: dict[str, Any]) -> dict[str, Any]:
    """The demo, with objectives of each kind, and the row's one change. The text '@300' stands for 300 letters."""
    test: dict[str, Any] = yaml.safe_load((ROOT / "manifests/samples/demo.yaml").read_text())
    test["spec"]["objectives"] = copy.deepcopy(OBJECTIVES)
    test["metadata"]["name"] = row["name"][:40].strip("-")
    *parents, last = [int(part) if part.isdigit() else part for part in (row.get("at") or row["without"]).split(".")]
    place: Any = test
    for part in parents:
        place = place[part]
    if "without" in row:
        del place[last]
    else:
        value = row["to"]
        long = isinstance(value, str) and value.startswith("@") and value[1:].isdigit()
        place[last] = "a" * int(value[1:]) if long else value
    return test
