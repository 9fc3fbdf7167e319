"""Names of a test cannot widen a query."""
from __future__ import annotations

import pytest

from elastometer.resources.promql import label_value, regex_literal, render_queries


@pytest.mark.parametrize(("text", "escaped"), [
    ('a"b', 'a\\"b'), ("a\\b", "a\\\\b"), ("a\nb", "a\\nb"), ("team-a", "team-a")])
def test_a_label_value_cannot_end_its_string(text: str, escaped: str):
    assert label_value(text) == escaped


def test_a_name_is_a_literal_in_the_pattern_of_its_pods():
    assert regex_literal("a.b|c") == "a\\.b\\|c"
    waiting = render_queries("team-a", 'x.*"} or vector(1)', None)[0].promql
    assert waiting == ('sum by (pod) (vllm:num_requests_waiting{namespace="team-a",'
                       'pod=~"x\\\\.\\\\*\\"\\\\} or vector\\\\(1\\\\)-.+"})')
