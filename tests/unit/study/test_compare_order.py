"""What the order of a study's runs is for: a cluster that drifts must not make equal variants look different."""
from __future__ import annotations

from functools import cache
from itertools import takewhile
from pathlib import Path
from random import Random
from typing import Any

import pytest

from elastometer.model.comparison import Judgement
from elastometer.model.measure import Scale
from elastometer.model.study import Order
from elastometer.model.study_parse import parse_study
from elastometer.study.compare.differences import measure_row
from elastometer.study.variants.planned_runs import planned_runs
from support.comparisons import SPEC, plain_measure, run

DOCS = Path(__file__).parents[3] / "docs" / "studies.md"
STUDIES = 1000
VARIANTS = ("a", "b", "c")
MEASURE = plain_measure(Scale.LINEAR)


@cache
def called_different(order: Order, drift: int) -> float:
    """Percent of studies of three equal variants, three runs each, in which the last is called better or worse than the
    first, while the value drifts by so many standard deviations from the first run to the last."""
    rng = Random(f"{order}/{drift}")
    found = 0
    for number in range(STUDIES):
        values: dict[str, list[float]] = {name: [] for name in VARIANTS}
        planned = _planned(order, number if order is Order.RANDOMIZED else 0)
        for index, variant in enumerate(planned):
            values[variant].append(rng.gauss(0, 1) + drift * index / (len(planned) - 1))
        made = {name: [run(name, index, {"x": value}) for index, value in enumerate(mine, 1)]
                for name, mine in values.items()}
        difference = measure_row(MEASURE, made, lambda *_: ()).difference("c", "a")
        assert difference is not None
        found += difference.judgement is not Judgement.WITHIN_NOISE
    return 100 * found / STUDIES


@cache
def _planned(order: Order, seed: int) -> tuple[str, ...]:
    spec: dict[str, Any] = {"template": SPEC, "variants": [{"name": name} for name in VARIANTS], "repetitions": 3,
                            "order": order.value, "seed": seed}
    study = parse_study({"metadata": {"namespace": "n", "name": "s"}, "spec": spec})
    return tuple(one.variant for one in planned_runs(study))


@pytest.mark.parametrize("drift", [1, 2, 3])
@pytest.mark.parametrize("order", [Order.INTERLEAVED, Order.RANDOMIZED])
def test_a_drift_makes_equal_variants_look_different_no_more_often_than_chance_does(order: Order, drift: int):
    assert called_different(order, drift) <= 6.5


def test_without_a_drift_every_order_is_as_good():
    assert all(3 <= called_different(order, 0) <= 7 for order in Order)


def test_one_variant_after_the_other_takes_the_drift_of_the_cluster_for_a_difference():
    assert called_different(Order.SEQUENTIAL, 3) >= 40


@pytest.mark.parametrize("drift", [0, 1, 2, 3])
def test_the_table_of_the_documentation_is_what_was_found(drift: int):
    lines = DOCS.read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("| drift of the cluster |")) + 2
    rows = [[cell.strip() for cell in line.strip("|").split("|")]
            for line in takewhile(lambda line: line.startswith("|"), lines[first:])]
    row = next(cells for cells in rows if cells[0] == (f"{drift} sd" if drift else "none"))
    orders = (Order.INTERLEAVED, Order.RANDOMIZED, Order.SEQUENTIAL)
    assert row[1:] == [f"{called_different(order, drift):.0f} %" for order in orders]
