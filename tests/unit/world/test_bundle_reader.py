"""Reading runs: finished, archived, killed in the middle."""
from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
import zstandard

from elastometer.analysis.analyze import judge
from elastometer.model.bundle import series_from
from elastometer.model.report import Verdict
from elastometer.render.json_report import to_json
from elastometer.world.bundle_reader import BundleError, load_bundle
from support.synthetic.run import write_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    directory: Path = write_run(tmp_path / "demo-5f2c8a10")
    return directory


def compact(run: Path) -> Path:
    """The run as a finished bundle: streams compacted, workers merged."""
    workers = sorted((run / "workers").glob("*.jsonl"))
    (run / "requests.jsonl").write_bytes(b"".join(path.read_bytes() for path in workers))
    summaries = ",".join(path.read_text() for path in sorted((run / "workers").glob("*.summary.json")))
    (run / "generator.json").write_text(f"[{summaries}]")
    for path in (run / "workers").iterdir():
        path.unlink()
    (run / "workers").rmdir()
    for path in run.glob("*.jsonl"):
        path.with_suffix(".jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(path.read_bytes()))
        path.unlink()
    return run


def archive(run: Path) -> Path:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        tar.add(run, arcname=run.name)
    path = run.with_suffix(".tar.zst")
    path.write_bytes(zstandard.ZstdCompressor().compress(raw.getvalue()))
    return path


def test_a_run_directory_a_finished_bundle_and_its_archive_give_the_same_report(run: Path):
    plain = to_json(judge(load_bundle(run)))
    finished = to_json(judge(load_bundle(compact(run))))
    assert load_bundle(archive(run)).requests, "the archive must hold requests"
    assert plain == finished == to_json(judge(load_bundle(archive(run))))


def test_a_torn_last_line_is_dropped_and_counted(run: Path):
    whole = load_bundle(run)
    path = run / "observations.jsonl"
    path.write_bytes(path.read_bytes()[:-7])
    torn = load_bundle(run)
    assert (torn.torn_lines, len(torn.observations)) == (1, len(whole.observations) - 1)


def test_every_stream_cut_at_any_byte_still_loads(run: Path):
    path = run / "observations.jsonl"
    content = path.read_bytes()
    for cut in range(0, len(content), 9973):
        path.write_bytes(content[:cut])
        assert load_bundle(run).unreadable_lines == 0


def test_a_line_that_is_no_observation_is_counted_and_skipped(run: Path):
    path = run / "observations.jsonl"
    path.write_bytes(b'{"kind": "Unheard"}\nnot json\n[1]\n' + path.read_bytes())
    assert load_bundle(run).unreadable_lines == 3


def test_a_line_of_a_kind_that_the_format_had_once_is_ignored_and_is_no_flaw(run: Path):
    path = run / "observations.jsonl"
    before = load_bundle(run)
    probe = b'{"kind":"Probe","receivedTime":"2026-11-21T05:00:00.000000Z","pod":"a","ok":true,"status":200}\n'
    path.write_bytes(probe + path.read_bytes())
    after = load_bundle(run)
    assert before.observations
    assert (after.observations, after.unreadable_lines) == (before.observations, before.unreadable_lines)


def test_a_compacted_file_that_was_cut_short_gives_what_was_written(run: Path):
    path = compact(run) / "observations.jsonl.zst"
    path.write_bytes(path.read_bytes()[:-20])
    bundle = load_bundle(run)
    assert bundle.torn_lines >= 1
    judge(bundle)


def test_both_incarnations_of_a_worker_are_read(run: Path):
    shard = next((run / "workers").glob("0-*.jsonl"))
    lines = shard.read_bytes().splitlines(keepends=True)
    shard.write_bytes(b"".join(lines[:100]))
    (run / "workers" / "0-second.jsonl").write_bytes(b"".join(lines[100:]))
    assert len(load_bundle(run).requests) == 623


def test_what_is_not_there_is_named(run: Path):
    (run / "series.jsonl").unlink()
    (run / "provenance.json").unlink()
    assert load_bundle(run).missing == ("series.jsonl", "provenance.json")


def test_a_directory_without_any_file_of_a_run_is_refused_with_what_it_must_be(tmp_path: Path):
    with pytest.raises(BundleError, match="must be the directory or the"):
        load_bundle(tmp_path)


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path):
    (tmp_path / "x.tar.zst").write_bytes(b"no archive")
    with pytest.raises(BundleError, match=r"must be a \.tar\.zst of a run"):
        load_bundle(tmp_path / "x.tar.zst")


@pytest.mark.parametrize("word", ["NaN", "+Inf", "-Inf"])
def test_a_sample_that_is_no_number_is_no_sample(word: str):
    line = {"name": "up", "outcome": "Samples", "series": [{"labels": {}, "samples": [[10, word], [12, "1"]]}]}
    found = series_from(line)
    assert found is not None
    assert found.series[0].samples == ((12_000_000_000, 1.0),)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"a"', '{"metadata": {}'])
def test_a_damaged_spec_is_refused_and_not_taken_for_a_test_without_objectives(run: Path, content: str):
    (run / "spec.json").write_text(content)
    with pytest.raises(BundleError, match=r"spec\.json must be one JSON object"):
        load_bundle(run)


GOOD: dict[str, object] = {"name": "fast", "indicator": "TimeToFirstToken", "maximumMilliseconds": 900}


@pytest.mark.parametrize(("spec", "flaw"), [
    ({"metadata": {}}, "spec: must be an object, is absent"),
    ({"spec": {"objectives": {"a": 1}}}, "spec.objectives: must be a list, is {'a': 1}"),
    ({"spec": {"objective": [GOOD]}}, "spec.objective: is not a known field; did you mean objectives?"),
    ({"spec": {"objectives": [GOOD, "fast"]}}, "spec.objectives[1]: must be an object, is 'fast'"),
    ({"spec": {"objectives": [{**GOOD, "maximumMillisecond": 9}]}},
     "spec.objectives[0].maximumMillisecond: is not a known field; did you mean maximumMilliseconds?"),
    ({"spec": {"objectives": [{**GOOD, "indicator": "Speed"}]}},
     "spec.objectives[0].indicator: must be one of TimeToFirstToken, TimePerOutputToken, RequestLatency, "
     "ScaleOutLag, ColdStart, RequestSuccess, AnswerCheck, SteadyRate, MemoryGrowth, MemoryReturn, is 'Speed'"),
    ({"spec": {"objectives": [{**GOOD, "maximumMilliseconds": "900"}]}},
     "spec.objectives[0].maximumMilliseconds: must be a whole number, is '900'"),
    ({"spec": {"objectives": [{"name": "served", "indicator": "RequestSuccess"}]}},
     "spec.objectives[0].minimumPercent: must be a whole number, is absent"),
])
def test_an_objective_that_cannot_be_read_is_refused_with_its_path(run: Path, spec: dict[str, object], flaw: str):
    (run / "spec.json").write_text(json.dumps(spec))
    with pytest.raises(BundleError) as refused:
        load_bundle(run)
    assert str(refused.value) == f"'{run}': spec.json: {flaw}"


def test_fields_of_other_versions_beside_the_objectives_are_passed_over(run: Path):
    spec = json.loads((run / "spec.json").read_text())
    spec["spec"]["observations"] = {"of": "a later version"}
    (run / "spec.json").write_text(json.dumps(spec))
    assert load_bundle(run).terms.objectives


def test_without_its_spec_a_run_has_no_verdict(run: Path):
    (run / "spec.json").unlink()
    report = judge(load_bundle(run))
    assert (report.verdict, report.verdict_reason) == (Verdict.INCONCLUSIVE, "SpecMissing")
    assert "the objectives are not known" in report.verdict_message
