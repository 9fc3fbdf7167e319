"""Records of another century in a bundle: left out, counted and said, so that one bad stamp stops no judging."""
from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from elastometer.analysis.analyze import judge
from elastometer.analysis.autoscaler.explain_run import explain_run
from elastometer.analysis.evidence.evidence import gather
from elastometer.model.report import Verdict
from elastometer.render.markdown import to_markdown
from elastometer.render.shapes import strips, ticks
from elastometer.world.bundle_reader import load_bundle
from support.synthetic.run import write_run

FAR_AHEAD = 32_472_144_000  # 2999 in Unix seconds


@pytest.fixture
def run(tmp_path: Path) -> Path:
    directory: Path = write_run(tmp_path / "demo-5f2c8a10")
    return directory


def stray(run: Path) -> Path:
    """With a request of 1970 and one of 2999, and a sample and a Note of 2999."""
    path = next((run / "workers").glob("*.jsonl"))
    request = json.loads(path.read_text().splitlines()[0])
    dated = {1_000_000 + century: json.dumps(
        {key: f"{century}{value[4:]}" if key.endswith("Time") and value else value
         for key, value in {**request, "id": 1_000_000 + century}.items()}) for century in (1970, 2999)}
    path.write_text("".join(f"{line}\n" for line in dated.values()) + path.read_text())
    first, *others = (run / "series.jsonl").read_text().splitlines()
    result = json.loads(first)
    result["series"][0]["samples"].append([FAR_AHEAD, "1"])
    (run / "series.jsonl").write_text("".join(f"{line}\n" for line in (json.dumps(result), *others)))
    note = {"receivedTime": "2999-01-01T00:00:00Z", "kind": "Note", "reason": "Far", "message": "ahead"}
    with (run / "observations.jsonl").open("a") as file:
        file.write(json.dumps(note) + "\n")
    return run


@pytest.mark.parametrize("start_is_known", [True, False])
def test_records_dated_outside_of_the_run_are_left_out_counted_and_said(run: Path, start_is_known: bool):
    if not start_is_known:
        (run / "start.json").unlink()
    whole = load_bundle(run)
    sound = judge(whole)
    bundle = load_bundle(stray(run))
    assert bundle.outside_window == 4
    found = judge(bundle)
    assert len(found.timeline.seconds) < 1000
    assert len(found.timeline.window_starts) < 1000
    assert "| Records dated outside the run, left out | 4 |" in to_markdown(found).decode()
    assert replace(found, quality=sound.quality) == sound, "what was left out must change nothing"
    assert explain_run(gather(bundle)) == explain_run(gather(whole))


def test_a_run_whose_start_is_of_another_century_is_judged_by_nothing_and_says_so(run: Path):
    (run / "start.json").write_text('{"startTime": "1970-01-01T00:00:00Z"}')
    bundle = load_bundle(run)
    assert not bundle.requests
    assert bundle.outside_window > 623
    assert judge(bundle).verdict is not Verdict.PASS


def test_a_pod_whose_own_times_are_of_another_century_has_strips_of_a_few_ticks(run: Path):
    path = run / "observations.jsonl"
    path.write_text(path.read_text().replace('"creationTimestamp": "2026', '"creationTimestamp": "1970'))
    found = strips(judge(load_bundle(run)).cold_starts)
    assert len(found.ticks) <= 9


def test_a_scale_of_any_length_has_at_most_nine_ticks():
    assert [len(ticks(longest)) for longest in (0.5, 60.0, 30_000.0, 1.7e9)] == [6, 7, 9, 9]
