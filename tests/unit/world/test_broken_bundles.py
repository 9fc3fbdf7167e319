"""Damaged, incomplete and foreign bundles: a report of what is there, or a refusal that names the file."""
from __future__ import annotations

import hashlib
import io
import json
import random
from dataclasses import replace
from pathlib import Path

import orjson
import polars as pl
import pytest
import zstandard

from elastometer.analysis.analyze import judge
from elastometer.model.bundle import Bundle
from elastometer.model.observation import ObjectKind, ObjectSeen
from elastometer.model.report import Report, Verdict
from elastometer.render.files import render_all
from elastometer.render.json_report import to_json
from elastometer.world.bundle_reader import BundleError, load_bundle
from elastometer.world.bundle_writer import compact, seal
from elastometer.world.columns.parquet import VERSION_KEY
from elastometer.world.run_store import RunStore
from support.synthetic.run import write_run

FILES = ("observations.parquet", "requests.parquet", "series.parquet", "generator.json", "spec.json", "start.json")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed run, its archive included."""
    directory = write_run(tmp_path_factory.mktemp("whole") / "demo-5f2c8a10")
    store = RunStore(directory)
    compact(store)
    seal(store, {"report.json": b"{}"})
    return directory


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    (tmp_path / "run").mkdir()
    for path in whole.iterdir():
        if path.is_file():
            (tmp_path / "run" / path.name).write_bytes(path.read_bytes())
    return tmp_path / "run"


def sealed_again(run: Path) -> Path:
    """The manifest states the checksums of the files as they are now."""
    manifest = json.loads((run / "manifest.json").read_bytes())
    for one in manifest["files"]:
        if (run / one["name"]).exists():
            one["sha256"] = hashlib.sha256((run / one["name"]).read_bytes()).hexdigest()
    (run / "manifest.json").write_bytes(orjson.dumps(manifest))
    return run


def outcome(path: Path) -> Report | str:
    """The report, or the refusal. Anything else is a fault."""
    try:
        report = judge(load_bundle(path))
    except BundleError as refused:
        return str(refused)
    assert len(render_all(report)) == 4
    return report


def test_a_sealed_run_and_its_archive_give_the_report_of_the_lines(whole: Path, tmp_path: Path):
    paths = (write_run(tmp_path / "demo-5f2c8a10"), whole, whole / "bundle.tar.zst")
    # Only a sealed run says which version wrote it.
    lines, sealed, archived = (to_json(judge(replace(load_bundle(path), manifest={}))) for path in paths)
    assert lines == sealed == archived


def flushed(archive: Path) -> bytes:
    """The same archive in small blocks, as a large one has them: a cut leaves those before it."""
    plain = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(archive.read_bytes())).read()
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    parts = [packer.compress(plain[at:at + 2048]) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
             for at in range(0, len(plain), 2048)]
    return b"".join([*parts, packer.flush()])


def test_an_archive_cut_anywhere_never_gives_a_wrong_number(whole: Path, tmp_path: Path):
    content, path = flushed(whole / "bundle.tar.zst"), tmp_path / "cut.tar.zst"
    complete = judge(load_bundle(whole))
    rng, reports, partial = random.Random(5), 0, 0
    for _ in range(50):
        path.write_bytes(content[:rng.randrange(len(content))])
        found = outcome(path)
        if isinstance(found, str):
            assert str(path) in found
            continue
        reports += 1
        has_requests = "requests.jsonl" not in found.quality.missing_files
        partial += not has_requests
        assert found.load[-1].count == (complete.load[-1].count if has_requests else 0)
        # No objective of this run is about a series.
        missing = set(found.quality.missing_files) - {"series.jsonl"}
        assert found.verdict is not Verdict.PASS if missing else found.verdict is complete.verdict
    assert reports > partial > 5


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_anywhere_is_refused_by_its_checksum(run: Path, name: str):
    content, rng = (run / name).read_bytes(), random.Random(name)
    for _ in range(8):
        (run / name).write_bytes(content[:rng.randrange(len(content))])
        found = outcome(run)
        assert isinstance(found, str)
        assert f"{name} must have the SHA-256" in found


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".parquet")])
def test_columns_cut_anywhere_are_refused_without_a_manifest_too(run: Path, name: str):
    (run / "manifest.json").unlink()
    content, rng = (run / name).read_bytes(), random.Random(name)
    for _ in range(8):
        (run / name).write_bytes(content[:rng.randrange(len(content))])
        found = outcome(run)
        assert isinstance(found, str)
        assert f"{name} must be a Parquet file" in found


@pytest.mark.parametrize("name", FILES)
def test_a_bit_that_was_turned_is_refused_by_name(run: Path, name: str):
    content = bytearray((run / name).read_bytes())
    content[len(content) // 2] ^= 1
    (run / name).write_bytes(bytes(content))
    found = outcome(run)
    assert isinstance(found, str)
    assert f"{name} must have the SHA-256" in found
    assert "delete manifest.json" in found


@pytest.mark.parametrize("name", [*FILES, "plan.json", "provenance.json", "manifest.json"])
def test_without_any_one_file_there_is_a_report_that_says_so(run: Path, name: str):
    (run / name).unlink()
    found = outcome(run)
    assert isinstance(found, Report)
    stream = name.replace(".parquet", ".jsonl")
    assert name in ("plan.json", "manifest.json") or stream in found.quality.missing_files


def test_a_manifest_of_a_newer_schema_is_refused_with_both_versions(run: Path):
    manifest = json.loads((run / "manifest.json").read_bytes())
    (run / "manifest.json").write_bytes(orjson.dumps({**manifest, "schemaVersion": 3}))
    assert "manifest.json must have a schemaVersion of at most 2, has 3" in str(outcome(run))


@pytest.mark.parametrize("content", ["", "{", '{"files": '])
def test_a_damaged_manifest_is_refused(run: Path, content: str):
    (run / "manifest.json").write_text(content)
    assert "manifest.json must be one JSON object" in str(outcome(run))


@pytest.mark.parametrize("content", ["[]", "null", '{"files": {"a": 1}}', '{"files": [1, {"name": 2}]}'])
def test_a_manifest_of_another_form_checks_nothing(run: Path, content: str):
    (run / "manifest.json").write_text(content)
    assert isinstance(outcome(run), Report)


def rewritten(path: Path, version: str, **columns: pl.Expr) -> None:
    frame = pl.read_parquet(path).with_columns(**columns)
    frame.write_parquet(path, metadata={VERSION_KEY: version})


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".parquet")])
def test_rows_of_a_newer_schema_are_refused_with_file_and_version(run: Path, name: str):
    rewritten(run / name, "3")
    assert f"{name} must have a schema of version 2 or older, has version 3" in str(outcome(sealed_again(run)))


def test_a_column_that_is_not_known_is_passed_over(run: Path):
    before = to_json(judge(load_bundle(run)))
    rewritten(run / "requests.parquet", "2", region=pl.lit("eu"))
    assert to_json(judge(load_bundle(sealed_again(run)))) == before


def test_a_column_of_another_type_is_refused_by_name(run: Path):
    rewritten(run / "requests.parquet", "2", intendedTime=pl.lit([1]))
    found = str(outcome(sealed_again(run)))
    assert "requests.parquet column intendedTime must be of type Datetime" in found


def test_a_column_that_no_record_can_lack_is_asked_for(run: Path):
    pl.read_parquet(run / "requests.parquet").drop("outcome").write_parquet(
        run / "requests.parquet", metadata={VERSION_KEY: "2"})
    assert "requests.parquet must have the columns id, intendedTime, outcome; outcome are absent" in \
        str(outcome(sealed_again(run)))


def test_columns_that_earlier_records_lack_are_null(run: Path):
    pl.read_parquet(run / "requests.parquet").drop("firstChunks", "checks", "firstAttempt", "pod").write_parquet(
        run / "requests.parquet", metadata={VERSION_KEY: "2"})
    found = outcome(sealed_again(run))
    assert isinstance(found, Report)
    assert found.load[-1].count == 623


def test_rows_without_what_no_record_can_lack_are_counted_and_not_judged(run: Path):
    rewritten(run / "requests.parquet", "2",
              outcome=pl.when(pl.col("id") % 100 == 0).then(None).otherwise(pl.col("outcome").cast(pl.String)))
    found = outcome(sealed_again(run))
    assert isinstance(found, Report)
    assert (found.load[-1].count, found.quality.unreadable_lines) == (616, 7)


def test_with_no_request_nothing_passes(run: Path):
    pl.read_parquet(run / "requests.parquet").head(0).write_parquet(
        run / "requests.parquet", metadata={VERSION_KEY: "2"})
    found = outcome(sealed_again(run))
    assert isinstance(found, Report)
    assert found.verdict is not Verdict.PASS
    assert found.load[-1].count == 0
    assert found.load[-1].time_to_first_token.p95 is None


def thinned(bundle: Bundle, *kinds: ObjectKind) -> Bundle:
    kept = tuple(one for one in bundle.observations if not (isinstance(one, ObjectSeen) and one.kind in kinds))
    return replace(bundle, observations=kept)


def test_one_replica_and_no_scale_event_is_a_run_like_any_other(whole: Path):
    bundle = load_bundle(whole)
    first = next(one.uid for one in bundle.observations if isinstance(one, ObjectSeen) and one.kind is ObjectKind.POD)
    alone = replace(thinned(bundle, ObjectKind.DEPLOYMENT, ObjectKind.AUTOSCALER), observations=tuple(
        one for one in thinned(bundle, ObjectKind.DEPLOYMENT, ObjectKind.AUTOSCALER).observations
        if not (isinstance(one, ObjectSeen) and one.kind is ObjectKind.POD and one.uid != first)))
    report = judge(alone)
    assert len(render_all(report)) == 4
    assert (report.scale_events, len(report.cold_starts)) == ((), 1)


def test_without_prometheus_its_numbers_are_absent(whole: Path):
    report = judge(replace(load_bundle(whole), series=()))
    assert len(render_all(report)) == 4
    assert report.timeline.curves == ()
