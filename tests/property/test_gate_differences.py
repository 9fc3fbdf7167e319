"""Which fields of two specs differ: every one is found by its path, and no field that is not known counts as
harmless."""
from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from elastometer.model.gating import REFUSED, ChangeEffect
from elastometer.study.gate.differences import spec_changes

Json = dict[str, Any]
scalars: Any = st.booleans() | st.integers(-9, 9) | st.text(max_size=5)
names = st.sampled_from(["autoscaler", "load", "objectives", "measurement", "price", "demand", "cleanupPolicy", "a",
                         "b", "scrapePeriodSeconds", "settleSeconds", "maxReplicas"])
trees: Any = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=12)
specs = st.dictionaries(names, trees, max_size=6)


def leaves(node: Any, path: str = "spec") -> list[tuple[str, list[Any]]]:
    """(path as a change names it, the keys that lead there) of every scalar."""
    if isinstance(node, dict):
        return [(found, [key, *keys]) for key, item in node.items() for found, keys in leaves(item, f"{path}.{key}")]
    if isinstance(node, list):
        return [(found, [at, *keys]) for at, item in enumerate(node) for found, keys in leaves(item, f"{path}[{at}]")]
    return [(path, [])]


@given(specs)
def test_a_spec_does_not_differ_from_itself(spec: Json) -> None:
    assert spec_changes(spec, copy.deepcopy(spec)) == ()


@given(specs, st.data())
def test_one_changed_value_is_one_change_by_its_path(spec: Json, data: Any) -> None:
    found = [(path, keys) for path, keys in leaves(spec) if keys]
    if not found:
        return
    path, keys = data.draw(st.sampled_from(found))
    other = copy.deepcopy(spec)
    node = other
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = "a value that is drawn nowhere"
    assert [change.path for change in spec_changes(spec, other)] == [path]


@given(specs, specs)
def test_what_differs_differs_both_ways(before: Json, after: Json) -> None:
    there, back = spec_changes(before, after), spec_changes(after, before)
    assert [change.path for change in there] == [change.path for change in back]
    assert [(change.before, change.after) for change in there] == [(change.after, change.before) for change in back]


@given(specs, specs)
def test_only_what_is_named_as_harmless_or_modelled_is_not_refused(before: Json, after: Json) -> None:
    allowed = ("spec.autoscaler", "spec.measurement.", "spec.price", "spec.demand", "spec.cleanupPolicy")
    for change in spec_changes(before, after):
        assert change.effect in REFUSED or change.path.startswith(allowed)
        if change.path.startswith(("spec.load", "spec.objectives")):
            assert change.effect is ChangeEffect.OTHER_QUESTION
