"""Whatever stands in the file of series, resources are a table or a reason, and never a traceback."""
from __future__ import annotations

from dataclasses import replace
from math import isfinite

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from elastometer.analysis.analyze import judge
from elastometer.analysis.resources_used.measurements import measurements
from elastometer.analysis.resources_used.quantities import DEFINED
from elastometer.analysis.resources_used.used import resources_used
from elastometer.analysis.run import derive_run
from elastometer.model.bundle import Bundle, LabelledSamples, SeriesName, SeriesOutcome, SeriesResult
from elastometer.model.own_series import OwnSeries
from elastometer.model.units import SECOND
from elastometer.render.html import to_html
from elastometer.render.markdown import to_markdown
from elastometer.render.sections.resources import resource_chart
from elastometer.world.bundle_reader import load_bundle
from support.scraped import FIRST, LIVES, ORIGIN
from support.synthetic.run import write_run

POD = st.sampled_from([*LIVES, "", "nobody", "<b>"])
TIME = st.integers(-60, 260).map(lambda seconds: ORIGIN + seconds * SECOND)
SAMPLES = st.lists(st.tuples(TIME, st.floats(allow_nan=False, allow_infinity=False)), max_size=12).map(tuple)
SERIES = st.builds(
    lambda pod, container, job, samples: LabelledSamples({"pod": pod, "container": container, "job": job}, samples),
    POD, st.sampled_from(["server", "", "POD", "sidecar"]), st.sampled_from(["a", "b", ""]), SAMPLES)
RESULT = st.builds(
    SeriesResult, st.sampled_from([*(one.value for one in SeriesName), "own"]), st.just(""),
    st.sampled_from([SeriesOutcome.SAMPLES, SeriesOutcome.SAMPLES, SeriesOutcome.NO_DATA, SeriesOutcome.QUERY_FAILED]),
    st.just("refused"), st.sampled_from([None, 0.0, -1.0, 0.5, 2.0, 1e9]), st.lists(SERIES, max_size=6).map(tuple))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(write_run(tmp_path_factory.mktemp("run")))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(results=st.lists(RESULT, min_size=1, max_size=8))
def test_any_series_give_a_table_or_a_reason(bundle: Bundle, results: list[SeriesResult]):
    terms = replace(bundle.terms, series=(OwnSeries("own", "W", "x"),))
    run = derive_run(replace(bundle, series=tuple(results), terms=terms))
    found = resources_used(run, measurements(run))
    assert len(found.quantities) == len(DEFINED) + 1
    for one in found.quantities:
        assert bool(one.rows) != bool(one.reason)
        assert len({len(line.values) for line in one.lines} | {len(one.seconds)}) == 1
        levels = [level for row in one.rows for level in row.levels]
        assert all(level.mean is None or isfinite(level.mean) for level in levels)
        event(f"rows: {bool(one.rows)}")
    resource_chart(found)


def test_the_page_and_the_text_of_extreme_values_are_written(bundle: Bundle):
    huge = tuple((ORIGIN + second * SECOND, value) for second, value in ((-10, 1e308), (10, 1e308), (200, -1e308)))
    series = tuple(SeriesResult(name, "", SeriesOutcome.SAMPLES, "", 2.0, (LabelledSamples({"pod": FIRST}, huge),))
                   for name in SeriesName)
    report = judge(replace(bundle, series=series))
    assert b"Resources" in to_html(report)
    assert b"Resources" in to_markdown(report)
