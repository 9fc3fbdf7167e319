"""Warm spares that a study measured: variants which differ in nothing but the minimum of replicas."""
from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from elastometer.model.comparison import Comparison
from elastometer.model.study_document import RunEntry, RunState, StudyDocument
from elastometer.model.study_names import StudyNames
from elastometer.render.study.markdown import to_markdown
from elastometer.render.study.spares import head, rows
from elastometer.study.compare.of_study import KeptRun, compare_study
from support.comparisons import SPEC

REPORT: dict[str, Any] = json.loads((Path(__file__).parents[2] / "golden/report.json").read_bytes())
HPA = "horizontalPodAutoscaler"
TEMPLATE = {**SPEC, "autoscaler": {"type": "HorizontalPodAutoscaler", HPA: {"maxReplicas": 4}}}


def minimum(count: int, **more: Any) -> dict[str, Any]:
    return {"autoscaler": {HPA: {"minReplicas": count, **more}}}


def compared(misses: dict[str, int], *variants: dict[str, Any]) -> Comparison:
    """A study with a run of each variant."""
    spec = {"template": TEMPLATE, "variants": list(variants)}
    entries = tuple(RunEntry(f"s-{name}-1", name, 1, state=RunState.JUDGED) for name in misses)
    first, *others = REPORT["price"]["alternatives"]
    kept = {f"s-{name}-1": KeptRun(
        {**REPORT, "price": {**REPORT["price"], "alternatives": [{**first, "missSeconds": missed}, *others]}},
        {"spec": TEMPLATE}) for name, missed in misses.items()}
    return compare_study(StudyDocument(StudyNames("team-a", "s", "uid"), spec, entries, None,
                                       datetime(2026, 3, 4, tzinfo=UTC)), kept)


def test_variants_that_differ_in_the_minimum_alone_are_warm_spares_in_its_order():
    found = compared({"one": 40, "three": 9, "two": 20}, {"name": "one"}, {"name": "three", "patch": minimum(3)},
                     {"name": "two", "patch": minimum(2)})
    assert [(one.variant, one.minimum) for one in found.measured_spares] == [("one", 1), ("two", 2), ("three", 3)]
    assert [row[:3] for row in rows(found)] == [["one", "1", "40 s"], ["two", "2", "20 s"], ["three", "3", "9 s"]]
    assert head(found)[:3] == ("Variant", "Minimum of replicas", "Objective-miss seconds")
    assert "Warm spares, measured" in to_markdown(found).decode()


def test_a_variant_that_changes_something_else_too_is_none_of_them():
    found = compared({"one": 40, "two": 20, "more": 5}, {"name": "one"}, {"name": "two", "patch": minimum(2)},
                     {"name": "more", "patch": minimum(3, maxReplicas=9)})
    assert [one.variant for one in found.measured_spares] == ["one", "two"]


def test_a_study_of_one_minimum_has_no_table():
    found = compared({"one": 40, "most": 5}, {"name": "one"}, {"name": "most", "preset": "StaticMaximum"})
    assert found.measured_spares == ()
    assert "Warm spares" not in to_markdown(found).decode()
