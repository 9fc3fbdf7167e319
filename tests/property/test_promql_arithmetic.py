"""Arithmetic of sums, read and evaluated, against the same arithmetic done by Python on the numbers themselves."""
from __future__ import annotations

from math import isclose, isfinite

from hypothesis import given
from hypothesis import strategies as st

from elastometer.promql.evaluate import evaluate
from elastometer.promql.plain import plain_sums
from elastometer.promql.read import read_query
from elastometer.promql.series import TestSeries, labels_of_pod
from elastometer.twin.formula import value_of
from elastometer.twin.reading.formulas import read_formula

SERIES = TestSeries("default", "demo", None)
VALUES = st.lists(st.integers(0, 200).map(float), min_size=1, max_size=5)
NAMES = ("w", "r")


def _joined(parts: tuple[str, str, str]) -> str:
    left, operator, right = parts
    return f"({left} {operator} {right})"


def expressions(leaves: list[str]) -> st.SearchStrategy[str]:
    """Sums, differences and products of the leaves and of numbers, in parentheses, with signs before some."""
    leaf = st.one_of(st.sampled_from(leaves), st.integers(0, 9).map(str), st.sampled_from(["0.5", "2.25"]))
    return st.recursive(leaf, lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(_joined), inner.map("(-{})".format)), max_leaves=8)


@given(expressions(["sum(w)", "max(w)", "min(r)", "sum(r)", "count(w)", "sum(w + r)"]), VALUES)
def test_a_query_has_the_value_of_its_arithmetic(text: str, values: list[float]) -> None:
    """Each Pod runs one request more than it has waiting."""
    pods = {labels_of_pod(f"pod-{number}"): value for number, value in enumerate(values)}
    running = {labels: value + 1 for labels, value in pods.items()}
    found = evaluate(read_query("q", text, SERIES, NAMES).node, lambda metric: pods if metric == "w" else running)
    plain = text
    for part, value in (("sum(w + r)", sum(values) + sum(running.values())), ("sum(w)", sum(values)),
                        ("max(w)", max(values)), ("min(r)", min(running.values())), ("sum(r)", sum(running.values())),
                        ("count(w)", float(len(values)))):
        plain = plain.replace(part, repr(value))
    wanted = eval(plain)
    value = found if isinstance(found, float) else next(iter(found.values()))
    assert isfinite(value)
    assert isclose(value, wanted, rel_tol=1e-12, abs_tol=1e-9)


@given(expressions(["queue", "running"]), st.floats(0, 100), st.floats(0, 100))
def test_a_formula_has_the_value_of_its_arithmetic(text: str, queue: float, running: float) -> None:
    term = read_formula("f", text, ("queue", "running"))
    wanted = eval(text, {"queue": queue, "running": running})
    assert isclose(value_of(term, {"queue": queue, "running": running}), wanted, rel_tol=1e-12, abs_tol=1e-9)


@given(st.lists(st.sampled_from(["sum(w)", "sum(r)"]), min_size=1, max_size=6))
def test_every_occurrence_of_a_sum_counts(parts: list[str]) -> None:
    counted = {name: parts.count(f"sum({name})") for name in NAMES if f"sum({name})" in parts}
    assert plain_sums(" + ".join(parts), NAMES) == counted
