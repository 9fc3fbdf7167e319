"""Label selectors that Kubernetes can read, and others; the answers are those of apimachinery 0.35."""
from __future__ import annotations

from typing import Any

import pytest

from elastometer.model.selectors import selector_flaws


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, **({"values": list(values)} if values else {})}]}


@pytest.mark.parametrize("selector", [
    {}, {"matchLabels": {"model_name": "Qwen2.5-0.5B-Instruct"}}, {"matchLabels": {"model_name": ""}},
    {"matchLabels": {"app.kubernetes.io/name": "chat"}}, expression("engine", "In", "0", "1"),
    expression("engine", "NotIn", ""), expression("engine", "Exists"), expression("engine", "DoesNotExist"),
])
def test_a_selector_of_labels_can_be_read(selector: dict[str, Any]) -> None:
    assert not list(selector_flaws(selector, "s"))


@pytest.mark.parametrize(("selector", "said"), [
    ({"matchLabels": {"model_name": "Qwen/Qwen2.5"}}, "s.matchLabels.model_name: must be a value"),
    ({"matchLabels": {"pod": "chat-server-*"}}, "s.matchLabels.pod: must be a value"),
    ({"matchLabels": {"model_name": "m" * 64}}, "s.matchLabels.model_name: must be a value"),
    ({"matchLabels": {"__name__": "up"}}, "s.matchLabels.__name__: must be a label key"),
    ({"matchLabels": {"Team/name": "a"}}, "s.matchLabels.Team/name: must be a label key"),
    (expression("model_name", "NotIn", "Qwen/Qwen2.5"), "s.matchExpressions[0]: must be a value"),
    (expression("engine", "In"), "s.matchExpressions[0].values: must have at least one value for the operator In"),
    (expression("engine", "NotIn"), "s.matchExpressions[0].values: must have at least one value"),
    (expression("engine", "Exists", "0"), "s.matchExpressions[0].values: must have no value"),
])
def test_what_no_label_can_be_is_a_flaw(selector: dict[str, Any], said: str) -> None:
    (flaw,) = selector_flaws(selector, "s")
    assert flaw.startswith(said)
