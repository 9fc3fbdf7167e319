"""Formulas of scaling modifiers, with the values that Expr 1.17 computes."""
from __future__ import annotations

from math import inf, isnan

import pytest

from elastometer.model.errors import SpecError
from elastometer.twin.formula import names_in, value_of
from elastometer.twin.reading.formulas import read_formula

NAMES = ("queue", "running")
NUMBERS = {"queue": 7.0, "running": 2.0}


def value(text: str) -> float:
    return value_of(read_formula("f", text, NAMES), NUMBERS)


@pytest.mark.parametrize(("text", "wanted"), [
    ("queue", 7.0), ("queue * 0", 0.0), ("queue + running", 9.0), ("(queue + running) / 2", 4.5),
    ("queue - running - 1", 4.0),
    ("queue / running / 2", 1.75), ("1 / 2", 0.5), ("-queue", -7.0), ("2 - -queue", 9.0), ("-(queue + 1) * 2", -16.0),
    ("2 + 3 * 4", 14.0), ("max(queue, running)", 7.0), ("min(queue, running, 1)", 1.0), ("abs(running - queue)", 5.0),
    ("ceil(queue / running)", 4.0), ("floor(queue / running)", 3.0), ("round(queue / running)", 4.0),
    ("round(-2.5)", -3.0),
    ("round(2.4)", 2.0), ("float(queue)", 7.0), (".5 * queue", 3.5), ("1e1 + queue", 17.0),
    ("queue > 5 ? queue : 0", 7.0), ("queue <= 5 ? queue : 0", 0.0), ("queue > 5 && running > 5 ? 1 : 2", 2.0),
    ("queue > 5 and running < 5 ? 1 : 2", 1.0), ("queue > 9 || running == 2 ? 1 : 2", 1.0),
    ("not (queue > 5) ? 1 : 2", 2.0),
    ("!(queue != 7) ? 1 : 2", 1.0), ("queue > 9 ? 1 : running > 1 ? 2 : 3", 2.0),
    ("queue * (running > 1 ? 2 : 1)", 14.0),
    ("queue / 0", inf), ("-queue / 0", -inf), ("  queue*running  ", 14.0),
])
def test_a_formula_has_the_value_that_keda_computes(text: str, wanted: float) -> None:
    assert value(text) == wanted


def test_zero_by_zero_is_not_a_number_and_the_side_that_is_not_chosen_is_not_computed() -> None:
    assert isnan(value("(queue - 7) / 0"))
    assert value("running > 0 ? queue / running : queue / 0") == 3.5


@pytest.mark.parametrize(("text", "why"), [
    ("queue % 2", "`%` is not modelled"), ("queue ** 2", "`**` is not modelled"), ("queue ^ 2", "`^` is not modelled"),
    ("queue ?? running", "`??` is not modelled"), ("other + 1", "`other` is neither"),
    ("sum([queue, running])", "`sum`"),
    ("count([queue], {# > 1})", "`count`"), ("let x = queue; x", "`let` is neither"),
    ("queue > 5", "a condition stands"),
    ("queue ? 1 : 2", "a number stands"), ("queue > 1 ? 1 : running > 1", "the two sides"), ("queue +", "its end"),
    ("(queue", "`)` is missing before the end;"), ("queue running", "`running` is not modelled"),
    ("abs(queue, running)", "takes 1 number"),
    ("", "its end"), ("'queue'", "is neither"), ("queue.x", "not modelled"), ("1_000", "not modelled"),
    ("true ? 1 : 2", "`true`"),
    ("queue > 1 + (running > 2) ? 1 : 2", "a condition stands"), ("max()", "is neither"),
])
def test_what_is_not_modelled_is_refused_by_name(text: str, why: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_formula("advanced.scalingModifiers.formula", text, NAMES)
    said = str(caught.value)
    path = "advanced.scalingModifiers.formula"
    assert said.startswith(f"{path}: must be arithmetic on the names of the triggers (queue, running)")
    assert why in said


def test_a_formula_knows_the_triggers_that_it_names() -> None:
    assert names_in(read_formula("f", "max(queue, 3) * 2", NAMES)) == {"queue"}
