"""The store survives a kill at any byte, a full disk and hostile names."""
import errno
import os
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elastometer.model.errors import WorldError
from elastometer.world.run_store import RunStore
from support.reach import reached, reaches

NOTES = [{"kind": "Note", "receivedTime": "2026-11-21T05:00:00.000000Z", "reason": f"R{i}", "message": "ü\n" * i}
         for i in range(4)]


@pytest.fixture(autouse=True)
def _no_power_cuts(monkeypatch):
    """Waiting for the disk would prove nothing here: a kill does not lose what the kernel has."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def lines_of(store: RunStore, name: str = "observations.jsonl") -> list[dict]:
    return [orjson.loads(line) for line in (store.directory / name).read_bytes().splitlines()]


def filled(directory: Path) -> bytes:
    store = RunStore(directory)
    for note in NOTES:
        store.append_observation(note)
    store.close()
    return (directory / "observations.jsonl").read_bytes()


def test_a_kill_at_any_byte_loses_only_the_torn_line_and_counts_it(tmp_path):
    whole = filled(tmp_path / "run")
    ends = [0, *(i + 1 for i, byte in enumerate(whole) if byte == 10)]
    for cut in [*range(3), *range(ends[2] - 2, len(whole) + 1)]:
        directory = tmp_path / str(cut)
        directory.mkdir()
        (directory / "observations.jsonl").write_bytes(whole[:cut])
        store = RunStore(directory)
        kept = sum(end <= cut for end in ends) - 1
        assert lines_of(store) == NOTES[:kept]
        assert store.torn == ({} if cut in ends else {"observations.jsonl": 1})
        store.append_observation(NOTES[0])
        store.close()
        assert lines_of(RunStore(directory)) == [*NOTES[:kept], NOTES[0]]


def test_zeros_that_a_power_cut_leaves_are_cut_like_a_torn_line(tmp_path):
    whole = filled(tmp_path)
    (tmp_path / "observations.jsonl").write_bytes(whole + b"\0" * 5000 + b"\n")
    store = RunStore(tmp_path)
    assert lines_of(store) == NOTES
    assert store.torn == {"observations.jsonl": 1}


def test_a_kill_between_counting_and_cutting_does_not_count_twice(tmp_path, monkeypatch):
    whole = filled(tmp_path)
    (tmp_path / "observations.jsonl").write_bytes(whole + b'{"kin')
    with monkeypatch.context() as patched:
        patched.setattr(os, "truncate", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            RunStore(tmp_path)
    assert RunStore(tmp_path).torn == {"observations.jsonl": 1}


def test_torn_lines_of_two_kills_add_up(tmp_path):
    for _ in range(2):
        whole = filled(tmp_path)
        (tmp_path / "observations.jsonl").write_bytes(whole + b"{")
        RunStore(tmp_path)
    assert RunStore(tmp_path).torn == {"observations.jsonl": 2}


def test_a_last_line_longer_than_the_look_back_is_found(tmp_path):
    directory = tmp_path
    (directory / "observations.jsonl").write_bytes(b'{"a":1}\n' + b'{"b":"' + b"x" * (3 << 20))
    assert lines_of(RunStore(directory)) == [{"a": 1}]


def test_a_full_disk_is_reported_and_leaves_no_half_line(tmp_path, monkeypatch):
    filled(tmp_path)
    store = RunStore(tmp_path)
    real = os.write
    budget = [10]

    def write(handle: int, content: bytes) -> int:
        if not budget[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken, budget[0] = budget[0], 0
        return real(handle, content[:taken])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", write)
        with pytest.raises(WorldError, match=r"no space is left .* enlarge the operator's volume"):
            store.append_observation(NOTES[0])
    assert lines_of(store) == NOTES
    store.append_observation(NOTES[0])
    assert lines_of(store) == [*NOTES, NOTES[0]]


def test_a_small_file_is_the_old_or_the_new_one_whatever_happens(tmp_path, monkeypatch):
    store = RunStore(tmp_path)
    store.write_json("plan.json", {"old": True})
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "I/O error")))
        with pytest.raises(WorldError, match=r"plan\.json: I/O error"):
            store.write_json("plan.json", {"new": True})
    assert store.read_json("plan.json") == {"old": True}


def test_what_was_not_written_is_None(tmp_path):
    store = RunStore(tmp_path)
    assert store.read_json("plan.json") is None
    assert store.start_time is None
    assert store.worker_size(0, "a") == 0
    assert (store.compacted, store.sealed, store.torn) == (False, False, {})


def test_a_document_that_is_no_json_names_the_file(tmp_path):
    store = RunStore(tmp_path)
    (tmp_path / "spec.json").write_bytes(b"{")
    with pytest.raises(WorldError, match=r"spec\.json must be JSON"):
        store.read_json("spec.json")


@reaches({"a name that is taken": 30, "a name that is refused": 30})
@given(st.text(max_size=70) | st.text("ab.-_/", max_size=70) | st.from_regex(r"[a-z][a-z0-9.-]*", fullmatch=True))
@settings(max_examples=300)
def test_no_name_from_outside_leaves_the_directory(name: str):
    directory = Path("/nowhere/run")
    store = object.__new__(RunStore)
    store.directory = directory
    for make, parent in ((store.path, directory), (lambda text: store.worker_path(0, text), directory / "workers")):
        try:
            path = make(name)
        except ValueError:
            reached("a name that is refused")
            continue
        reached("a name that is taken")
        assert Path(os.path.normpath(path)).parent == parent


@pytest.mark.parametrize("index", [-1, 64])
def test_an_index_of_no_worker_is_refused(tmp_path, index):
    with pytest.raises(ValueError, match="must be from 0 to 63"):
        RunStore(tmp_path).worker_path(index, "a")
