"""spec.whatIf: what can be said of it before the twin is asked."""
from __future__ import annotations

from typing import Any

from elastometer.model.what_if_terms import WhatIfTerms, what_if_flaws, what_if_terms

ROW = {"name": "cpu-60", "set": {"target": 60}}


def spec(*rows: Any, scaler: str = "HorizontalPodAutoscaler") -> dict[str, Any]:
    return {"autoscaler": {"type": scaler}, "whatIf": list(rows)}


def test_rows_are_read_in_order_and_an_unreadable_one_is_left_out():
    assert what_if_terms({"spec": spec(ROW, {"name": "empty", "set": {}}, {"set": {"target": 1}})}) == (
        WhatIfTerms("cpu-60", {"target": 60}),)


def test_a_test_without_rows_asks_for_none():
    assert what_if_terms({"spec": {}}) == ()
    assert list(what_if_flaws({"autoscaler": {"type": "None"}})) == []


def test_rows_need_an_autoscaler_and_a_setting():
    assert list(what_if_flaws(spec(ROW))) == []
    assert list(what_if_flaws(spec(ROW, scaler="None"))) == [
        "spec.whatIf: must be absent where nothing scales (`autoscaler.type` is None), is given"]
    assert list(what_if_flaws(spec(ROW, {"name": "none", "set": {}}))) == [
        "spec.whatIf[1].set: must have at least one setting, such as {target: 60}, has none"]
