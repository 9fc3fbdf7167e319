"""The bundle is the run's directory, compacted: complete however often its making was killed."""
import os
import shutil
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import orjson
import polars as pl
import pytest
import zstandard

from elastometer.model.bundle_files import LINES_SUFFIX
from elastometer.world.bundle_writer import compact, seal
from elastometer.world.columns import blocks, requests
from elastometer.world.run_store import BUNDLE, RunStore


@pytest.fixture(autouse=True)
def _no_power_cuts(monkeypatch):
    """Waiting for the disk would prove nothing here: a kill does not lose what the kernel has."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def record(number: int, sent: int, worker: int = 0) -> bytes:
    return orjson.dumps({"id": number, "worker": worker, "sendTime": f"2026-11-21T05:00:{sent:02d}.000000Z"}) + b"\n"


def note(second: int) -> dict:
    return {"kind": "Note", "receivedTime": f"2026-11-21T05:00:{second:02d}.000000Z", "reason": "R", "message": "m"}


def a_run(directory: Path) -> RunStore:
    """Two workers of which one lost its spool and began again; both were killed within a line."""
    store = RunStore(directory)
    store.write_json("spec.json", {"metadata": {"name": "shop", "namespace": "team", "uid": "12345678-9"}})
    store.write_json("heartbeat.json", {"time": "2026-11-21T05:00:09.000000Z"})
    for second in (1, 2, 3):
        store.append_observation(note(second))
    store.append_series({"name": "waiting", "outcome": "NoData", "series": []})
    store.append_worker(0, "a", record(4, 4) + record(0, 0) + b'{"id": 6, "wor')
    store.append_worker(0, "b", record(2, 9) + b"not json\n" + record(0, 8))
    store.append_worker(1, "c", record(3, 3, 1) + record(1, 1, 1) + b"{")
    store.write_summary(0, "b", {"worker": 0, "sent": 2})
    store.write_summary(1, "c", {"worker": 1, "sent": 2})
    return store


def sealed_requests(store: RunStore) -> list[tuple[int, str]]:
    """(id, second at which it was sent) of each row."""
    found = pl.read_parquet(store.directory / "requests.parquet", columns=["id", "sendTime"])
    return list(zip(found["id"], found["sendTime"].dt.strftime("%S"), strict=True))


def members(path: Path) -> dict[str, bytes]:
    with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream, \
            tarfile.open(fileobj=stream, mode="r|") as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive}


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


def test_requests_are_merged_by_id_and_the_first_attempt_is_kept(tmp_path):
    store = a_run(tmp_path / "shop-12345678")
    compact(store)
    assert sealed_requests(store) == [(0, "00"), (1, "01"), (2, "09"), (3, "03"), (4, "04")]
    manifest = store.read_json("manifest.json")
    assert manifest["tornLines"] == {"requests.jsonl": 2}
    assert (manifest["malformedRequests"], manifest["duplicateRequests"]) == (1, 1)
    assert store.read_json("generator.json") == [{"worker": 0, "sent": 2}, {"worker": 1, "sent": 2}]
    assert not (store.directory / "workers").exists()


def test_the_lines_of_all_workers_are_one_file_of_the_bundle_and_a_run_without_lines_has_none(tmp_path):
    store, silent = a_run(tmp_path / "shop-12345678"), a_run(tmp_path / "quiet-12345678")
    store.append_worker(0, "a", b'{"id":4,"line":"d"}\n{"id":0,"line":"a"}\n{"id":', LINES_SUFFIX)
    store.append_worker(1, "c", b'{"id":1,"line":"b"}\n', LINES_SUFFIX)
    for one in (store, silent):
        compact(one)
        seal(one, {"report.json": b"{}"})
    packed = members(store.directory / "bundle.tar.zst")["shop-12345678/fingerprints.jsonl.zst"]
    plain = zstandard.ZstdDecompressor().stream_reader(packed).read()
    assert plain == b'{"id":0,"line":"a"}\n{"id":1,"line":"b"}\n{"id":4,"line":"d"}\n'
    assert "fingerprints.jsonl.zst" in {file["name"] for file in store.read_json("manifest.json")["files"]}
    assert not (silent.directory / "fingerprints.jsonl.zst").exists()


def test_the_manifest_names_the_run_its_span_and_each_files_rows(tmp_path):
    store = a_run(tmp_path / "shop-12345678")
    compact(store)
    manifest = store.read_json("manifest.json")
    assert (manifest["namespace"], manifest["test"], manifest["uid"]) == ("team", "shop", "12345678-9")
    assert manifest["startTime"] == "2026-11-21T05:00:01.000000Z"
    assert manifest["endTime"] == "2026-11-21T05:00:03.000000Z"
    assert {one["name"]: one.get("rows") for one in manifest["files"]} == {
        "spec.json": None, "observations.parquet": 3, "requests.parquet": 5, "generator.json": None,
        "series.parquet": 1}


def test_the_archive_holds_every_file_below_one_folder_and_no_state_of_the_operator(tmp_path):
    store = a_run(tmp_path / "shop-12345678")
    compact(store)
    seal(store, {"report.json": b"{}", "report.html": b"<html>"})
    found = members(store.directory / "bundle.tar.zst")
    assert sorted(found) == [f"shop-12345678/{name}" for name in (
        "generator.json", "manifest.json", "observations.parquet", "report.html", "report.json",
        "requests.parquet", "series.parquet", "spec.json")]
    assert store.sealed
    assert not (store.directory / "heartbeat.json").exists()


@pytest.mark.parametrize(
    ("observed", "started", "expected"),
    [
        pytest.param(True, True, datetime(2026, 11, 21, 5, 0, 3, tzinfo=UTC), id="the last observation"),
        pytest.param(False, True, datetime(2026, 11, 21, 4, 30, tzinfo=UTC), id="nothing was seen: the load's start"),
        pytest.param(False, False, datetime(1970, 1, 1, tzinfo=UTC), id="neither is known"),
        pytest.param("no time", True, datetime(2026, 11, 21, 4, 30, tzinfo=UTC), id="the last time is not one"),
    ],
)
def test_the_files_of_the_archive_carry_the_time_of_the_run(tmp_path, observed, started, expected):
    store = RunStore(tmp_path / "shop-12345678")
    store.write_json("spec.json", {})
    if observed:
        store.append_observation(note(1))
        store.append_observation({**note(3), **({} if observed is True else {"receivedTime": observed})})
    if started:
        store.write_json("start.json", {"startTime": "2026-11-21T04:30:00.000000Z"})
    compact(store)
    seal(store)
    with (store.directory / BUNDLE).open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream, \
            tarfile.open(fileobj=stream, mode="r|") as archive:
        times = {entry.name: entry.mtime for entry in archive}
    assert times
    assert set(times.values()) == {expected.timestamp()}


def test_made_twice_it_is_the_same_to_the_byte(tmp_path):
    store = a_run(tmp_path / "shop-12345678")
    compact(store)
    seal(store, {"report.json": b"{}"})
    first = contents(store.directory)
    compact(RunStore(store.directory))
    seal(RunStore(store.directory), {"report.json": b"{}"})
    again = contents(store.directory)
    assert first == again


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("kind", ["rename", "unlink", "fsync"])
def test_killed_at_any_step_and_run_again_it_is_complete(tmp_path, monkeypatch, kind):
    """The process ends just before, or just after, its n-th rename (unlink, fsync), for every n there is."""
    reference = a_run(tmp_path / "reference")
    compact(reference)
    seal(reference, {"report.json": b"{}"})
    expected = {name: content for name, content in contents(reference.directory).items() if name != "bundle.tar.zst"}
    owner, killed = (os, 0) if kind == "fsync" else (Path, 0)
    original = getattr(owner, kind)
    for step in range(200):
        store = a_run(tmp_path / f"{step}")
        calls = [0]

        def dying(*arguments, calls=calls, step=step, **options):
            calls[0] += 1
            if calls[0] == step // 2 + 1:
                if step % 2:
                    original(*arguments, **options)
                raise Killed
            return original(*arguments, **options)

        with monkeypatch.context() as patched:
            patched.setattr(owner, kind, dying)
            try:
                compact(store)
                seal(store, {"report.json": b"{}"})
            except Killed:
                killed += 1
        store = RunStore(store.directory)
        compact(store)
        seal(store, {"report.json": b"{}"})
        found = contents(store.directory)
        assert {name: content for name, content in found.items() if name in expected} == expected, (step, killed)
        if calls[0] <= step // 2:
            break
    assert killed >= 4


def test_a_line_that_comes_after_the_compaction_is_not_lost(tmp_path):
    store = a_run(tmp_path / "run")
    compact(store)
    store.append_observation(note(4))
    compact(store)
    found = pl.read_parquet(store.directory / "observations.parquet")
    assert found["receivedTime"].dt.strftime("%S").to_list() == ["01", "02", "03", "04"]


def test_a_run_that_never_had_load_has_no_requests_rather_than_none(tmp_path):
    store = RunStore(tmp_path / "run")
    store.append_observation(note(1))
    compact(store)
    seal(store)
    assert "requests.parquet" not in contents(store.directory)
    assert store.compacted
    assert store.sealed


def test_runs_on_disk_give_the_same_order_as_one_in_memory(tmp_path, monkeypatch):
    store = a_run(tmp_path / "run")
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 300)
    monkeypatch.setattr(requests, "RANGE_ROWS", 1)
    monkeypatch.setattr(requests, "_SAMPLE", 1)
    compact(store)
    assert sealed_requests(store) == [(0, "00"), (1, "01"), (2, "09"), (3, "03"), (4, "04")]
    manifest = store.read_json("manifest.json")
    assert (manifest["malformedRequests"], manifest["duplicateRequests"]) == (1, 1)
    assert not list(store.directory.glob(".sort-*"))


def test_only_files_of_the_report_are_taken(tmp_path):
    store = a_run(tmp_path / "run")
    with pytest.raises(ValueError, match="must be one of"):
        seal(store, {"../report.json": b""})


def test_a_leftover_of_a_killed_sort_is_removed(tmp_path):
    store = a_run(tmp_path / "run")
    (store.directory / ".sort-x").mkdir()
    compact(store)
    assert not list(store.directory.glob(".*"))
    assert store.read_json("manifest.json")["schemaVersion"] == 2
    shutil.rmtree(store.directory)
