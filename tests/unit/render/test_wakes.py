"""A wake on the pages: the same words in Markdown and HTML, and the time at zero in the charts."""
from __future__ import annotations

import pytest

from elastometer.analysis.analyze import judge
from elastometer.model.report import Report
from elastometer.render.charts import chart_data
from elastometer.render.files import render_all
from elastometer_loadgen.base.record import Outcome
from support.from_zero import AT_ZERO, WOKEN, bundle, line, request

REFUSED = tuple(request(number, float(number)) for number in range(12))


@pytest.fixture
def woken() -> Report:
    return judge(bundle(*AT_ZERO, *WOKEN, requests=(*REFUSED, request(20, 12.5, Outcome.SUCCESS))))


def test_both_pages_tell_each_instant_and_what_became_of_the_requests(woken: Report) -> None:
    files = {name: content.decode() for name, content in render_all(woken).items()}
    assert "| visible in the metric | +4.000 s | 4.00 s | Prometheus, ± 2.00 s |" in files["report.md"]
    for page in (files["report.md"], files["report.html"]):
        assert "Wake 1" in page
        assert "From the first request to the first token: 13.0 s ± 2 ms." in page
        assert "Requests until a replica served: 12 (12 refused)." in page
    assert "| Requests during a wake, not served | 12 of 12 |" in files["report.md"]
    assert "12 of 12 requests not served before it" in files["report.html"]


def test_the_charts_show_the_sleep_until_a_replica_serves_or_to_the_end(woken: Report) -> None:
    assert chart_data(woken)["atZero"] == [{"from": -20.0, "to": 12.1}]
    never = judge(bundle(*AT_ZERO, line("Node", 40, "ADDED", {"metadata": {"name": "n"}}), requests=REFUSED))
    assert chart_data(never)["atZero"] == [{"from": -20.0, "to": 40.0}]
    assert "Zero replicas, never woken" in render_all(never)["report.md"].decode()
