"""A pid is never trusted alone: these are the claims that keep the lab from touching a foreign process."""
from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from elastometer_lab.processes import (
    ProcessRecord,
    boot_id,
    end_process,
    is_alive,
    read_record,
    resident_bytes,
    start_ticks,
    write_record,
)


def own_record() -> ProcessRecord:
    ticks = start_ticks(os.getpid())
    assert ticks is not None
    return ProcessRecord(os.getpid(), ticks, boot_id(), "digest")


def test_a_process_that_matches_its_record_is_alive() -> None:
    assert is_alive(own_record())


def test_a_recycled_pid_is_not_the_process_of_the_record() -> None:
    record = own_record()
    assert not is_alive(replace(record, start_ticks=record.start_ticks - 1))


def test_a_record_of_another_boot_is_dead_whatever_runs_under_its_pid() -> None:
    assert not is_alive(replace(own_record(), boot="00000000-0000-0000-0000-000000000000"))


def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert start_ticks(child.pid) is None
    child.wait()


def test_ending_a_recycled_pid_signals_nobody() -> None:
    record = own_record()
    end_process(replace(record, start_ticks=record.start_ticks + 1), grace_seconds=0)
    assert is_alive(record)


def test_a_record_survives_the_way_to_disk(tmp_path: Path) -> None:
    record = own_record()
    write_record(tmp_path / "pids" / "etcd.json", record)
    assert read_record(tmp_path / "pids" / "etcd.json") == record


def test_a_torn_or_missing_record_reads_as_None(tmp_path: Path) -> None:
    torn = tmp_path / "torn.json"
    torn.write_bytes(b'{"pid": 12')
    foreign = tmp_path / "foreign.json"
    foreign.write_bytes(b'{"pid": 12}')
    assert read_record(torn) is read_record(foreign) is read_record(tmp_path / "none.json") is None


def test_memory_of_a_process_that_is_gone_is_unknown_and_not_zero() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    assert resident_bytes(child.pid) is None
    assert (resident_bytes(os.getpid()) or 0) > 1 << 20
