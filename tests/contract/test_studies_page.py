"""docs/studies.md names every measure, order, preset and sample that there is, and no other."""
from __future__ import annotations

import re
from pathlib import Path

from elastometer.model.measure import Better
from elastometer.model.measures import MEASURES, MONEY
from elastometer.model.study import Order, Preset

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/studies.md").read_text()
WORDS = {Better.LOWER: "lower", Better.HIGHER: "higher"}


def rows(heading: str) -> list[list[str]]:
    """The cells of the table that follows a heading, without its head."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert lines, heading
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[0].splitlines()[2:]]


def test_the_measures_are_those_of_the_registry_in_its_order():
    expected = [[f"`{one.name}`", one.title, "currency of `spec.price`" if one.name == MONEY else one.unit,
                 WORDS[one.better], one.scale.value.lower()] for one in MEASURES]
    table = "\n".join(f"| {' | '.join(row)} |" for row in expected)
    assert rows("Measures") == expected, f"write this table into docs/studies.md:\n{table}"


def test_every_order_and_preset_is_explained():
    assert [re.findall("`([A-Z][A-Za-z]+)`", row[0])[0] for row in rows("Order")] == list(Order)
    assert [row[0].strip("`") for row in rows("Variants")] == list(Preset)


def test_every_sample_of_a_study_is_listed():
    named = set(re.findall(r"\.\./manifests/samples/(study-[a-z-]+\.yaml)", PAGE))
    assert named == {path.name for path in (ROOT / "manifests/samples").glob("study-*.yaml")}
