"""Resources in words and on the page: units that people read, and foreign names that stay text."""
from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from elastometer.analysis.analyze import judge
from elastometer.model.bundle import Bundle, SeriesName
from elastometer.model.own_series import OwnSeries
from elastometer.model.report import Report
from elastometer.model.resources_used import WindowKind
from elastometer.model.saturation import SaturationCell, SaturationColumn, SaturationRow, SaturationTable
from elastometer.model.terms import Terms
from elastometer.render.html import to_html
from elastometer.render.json_report import to_json
from elastometer.render.markdown import to_markdown
from elastometer.render.tables.saturation import saturation
from elastometer.render.wording.resources import amount, signed
from elastometer.world.bundle_reader import load_bundle
from support.scraped import FIRST, LIVES, of_pod, scraped
from support.synthetic.run import write_run

HOSTILE = "<script>alert(1)</script>|`x`"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(write_run(tmp_path_factory.mktemp("run")))


@pytest.fixture(scope="module")
def report(bundle: Bundle) -> Report:
    own = OwnSeries(HOSTILE, HOSTILE[:20], HOSTILE)
    memory = scraped(SeriesName.PROCESS_MEMORY, of_pod(FIRST, lambda time: 100 * 2 ** 20 + 2 ** 20 * max(time, 0)))
    waiting = scraped(SeriesName.WAITING, *(of_pod(pod, lambda _: 3) for pod in LIVES))
    series = (memory, waiting, scraped(HOSTILE, of_pod(FIRST, lambda _: 5)))
    return judge(replace(bundle, series=series, terms=replace(bundle.terms, series=(own,))))


def data_of(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data: dict[str, object] = json.loads(found[1])
    return data


@pytest.mark.parametrize(("value", "unit", "words"), [
    (None, "bytes", "–"), (0, "bytes", "0 B"), (117.4 * 2 ** 20, "bytes", "117 MiB"),
    (1.89 * 2 ** 30, "bytes", "1.89 GiB"),
    (1300, "bytes/s", "1.27 KiB/s"), (0.4237, "cores", "0.424 cores"), (43.21, "percent", "43.2 %"),
    (2.5, "seconds", "2.50 s"), (12, "requests", "12"), (1234.5, "W", "1,234 W"), (0.00012, "x", "0.00012 x"),
    (-0.000089, "x", "-0.000089 x"),
])
def test_amounts_are_in_the_unit_that_a_reader_expects(value: float | None, unit: str, words: str):
    assert amount(value, unit) == words


def test_a_difference_has_its_sign():
    assert (signed(2 ** 20, "bytes"), signed(-2 ** 20, "bytes"), signed(None, "bytes")) == ("+1 MiB", "-1 MiB", "–")


def test_the_page_has_a_chart_for_each_quantity_and_the_heat_map(report: Report):
    page = to_html(report).decode()
    resources = data_of(page)["resources"]
    assert isinstance(resources, dict)
    assert [one["name"] for one in resources["quantities"]] == ["processMemory", "waiting", HOSTILE]
    assert resources["replicas"]["pods"] == list(LIVES)
    for index in range(3):
        assert f'id="chart-resource-{index}"' in page
    assert all(f'id="heat-{name}"' in page for name in ("waiting", "running", "kv"))
    # 100 MiB before the load, and a MiB more each second: in MiB on the axis
    first = resources["quantities"][0]["lines"][0]["y"]
    assert (first[0], max(first)) == (100, 340)


def test_foreign_names_stay_text(report: Report):
    page, markdown = to_html(report).decode(), to_markdown(report).decode()
    assert "<script>alert" not in page
    assert "<script>alert" not in markdown
    rows = [line for line in markdown.splitlines() if line.startswith("| ") and "alert(1)" in line]
    assert rows
    head = next(line for line in markdown.splitlines() if line.startswith("| Quantity | Of"))
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in rows} == {len(re.findall(r"(?<!\\)\|", head))}


def test_markdown_tables_each_part_of_the_run_and_says_what_is_missing(report: Report):
    text = to_markdown(report).decode()
    table = text[text.index("## Resources\n"):]
    assert "| Quantity | Of | `idle` | `calm` | `ramp` | `plateau` | `drop` | `after` | Peak |" in table
    assert "| Requests waiting | all Pods |" in table
    assert "## Resources that were not measured" in table
    assert "NotRecorded" in table
    assert "with equal parts it would have been" in table


def test_memory_has_a_section_of_its_own_with_each_part_of_the_run(report: Report):
    """100 MiB before the load, then a MiB more each second; its last sample is at 238 s."""
    text, page = to_markdown(report).decode(), to_html(report).decode()
    section = text[text.index("## Memory\n"):text.index("## Saturation\n")]
    assert "| Part of the run | Process memory (RSS) |" in section
    assert "| calm | 114 MiB (+14 MiB over idle; +60 MiB/min (+60 MiB to +60 MiB)) |" in section
    assert "| back | at least 58.0 s (it was not back when the record ended) (back is at most 136 MiB) |" in section
    assert "| peak | 340 MiB (at +240 s) |" in section
    assert "API server" in section
    assert "Container memory (RSS): NotRecorded" in section
    assert "Process memory" not in text[text.index("## Resources\n"):text.index("## Resources that")]
    assert 'id="memory"' in page
    assert page.index('id="chart-resource-0"') < page.index('id="saturation"')


def test_a_part_whose_memory_differs_from_idle_by_less_than_a_page_is_as_idle(report: Report):
    assert report.memory is not None
    (row,) = report.memory.rows
    levels = tuple(replace(one, growth_bytes=-0.32) if one.name == "calm" else one for one in row.levels)
    same = replace(report, memory=replace(report.memory, rows=(replace(row, levels=levels),)))
    assert "| calm | 114 MiB (as idle; " in to_markdown(same).decode()


def test_gpu_memory_that_is_reserved_is_said_not_to_count_as_full():
    share = SaturationColumn("gpuMemoryShare", "gpuMemoryShare", "GPU memory", "percent", "all there is", False)
    cell = SaturationCell("gpuMemoryShare", 92.0, 92.0, 92.0, 30.0)
    row = SaturationRow("calm", WindowKind.STAGE, 30.0, (cell,), None)
    section = saturation(replace(judge(Bundle(terms=Terms())), saturation=SaturationTable((share,), (row,))))
    assert section is not None
    assert "GPU memory is never named as full: a server reserves most of it at its start." in section.remarks


def test_saturation_names_what_was_full_and_why_the_rest_has_no_share(report: Report):
    text = to_markdown(report).decode()
    section = text[text.index("## Saturation\n"):]
    assert "| Part of the load | Queue | Full |" in section
    assert "CPU, CPU throttled, Batch, KV cache" in section
    assert "the record has no such series" in section


def test_json_has_every_quantity_with_source_and_resolution(report: Report):
    found = json.loads(to_json(report))["resources"]
    memory = next(one for one in found["quantities"] if one["name"] == "processMemory")
    assert (memory["metric"], memory["jobs"], memory["resolutionSeconds"]) == (
        "process_resident_memory_bytes", ["pods"], 4)
    assert [one["kind"] for one in found["windows"]] == ["Idle", *["Stage"] * 4, "After"]
    assert all(one["reason"] for one in found["quantities"] if not one["rows"])


def test_a_run_without_series_has_one_sentence(bundle: Bundle):
    report = judge(replace(bundle, series=()))
    assert "Prometheus was not queried before the record ended" in to_html(report).decode()
    text = to_markdown(report).decode()
    assert "## Resources\n\nNo series were recorded" in text
    assert "## Replicas" not in text


def test_a_prediction_has_no_resources(bundle: Bundle):
    shown = replace(judge(bundle), resources=None)
    assert 'id="resources"' not in to_html(shown).decode()
    assert "## Resources" not in to_markdown(shown).decode()


def test_the_golden_runs_of_before_have_their_replicas_and_say_what_they_lack():
    found = judge(load_bundle(Path(__file__).parents[2] / "golden/runs/cpu1")).resources
    assert found is not None
    assert found.replicas is not None
    assert len(found.replicas.rows) == 4
    assert {one.outcome for one in found.quantities if not one.rows} == {"NotRecorded"}
