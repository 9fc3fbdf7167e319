"""Fingerprint lines are kept beside the records: whole, each request's once, and never more than the limit."""

from pathlib import Path

import orjson

from elastometer_loadgen.checks.fingerprint import FingerprintLines, FingerprintRule
from elastometer_loadgen.gauges.fingerprint_lines import LinesWritten
from elastometer_loadgen.journal.fingerprint_file import FINGERPRINTS_NAME, FingerprintFile
from elastometer_loadgen.journal.merge import Dropped, merged


def entry(number: int) -> bytes:
    return orjson.dumps({"id": number, "line": f"[REQ-7a2f-{number}] 会议"}) + b"\n"


def test_a_line_is_in_the_file_once_it_was_flushed(tmp_path: Path) -> None:
    file = FingerprintFile(tmp_path)
    file.add(17, "[REQ-7a2f-17] 会议")
    file.add(18, "[REQ-7a2f-18] 会议")
    assert file.size == 0
    file.flush()
    file.flush()
    assert file.read(0, 1000) == entry(17) + entry(18) == (tmp_path / FINGERPRINTS_NAME).read_bytes()
    assert file.size == len(entry(17)) + len(entry(18))


def test_a_restarted_worker_continues_after_the_last_whole_line(tmp_path: Path) -> None:
    (tmp_path / FINGERPRINTS_NAME).write_bytes(entry(1) + b'{"id":2,"li')
    file = FingerprintFile(tmp_path)
    assert file.size == len(entry(1))
    file.add(3, "[REQ-7a2f-3] 会议")
    file.flush()
    assert (tmp_path / FINGERPRINTS_NAME).read_bytes() == entry(1) + entry(3)


def test_lines_beyond_the_limit_are_counted_and_left_out(tmp_path: Path) -> None:
    file = FingerprintFile(tmp_path, limit=2 * len(entry(10)) + 1)
    for number in (10, 11, 12, 13):
        file.add(number, f"[REQ-7a2f-{number}] 会议")
    file.flush()
    assert (file.read(0, 1000), file.left_out) == (entry(10) + entry(11), 2)


def test_the_lines_of_all_workers_are_merged_by_id_and_each_is_kept_once(tmp_path: Path) -> None:
    first, second = tmp_path / "0-a.lines", tmp_path / "1-b.lines"
    first.write_bytes(entry(4) + entry(2) + b'{"id":9,')
    second.write_bytes(entry(3) + entry(2))
    assert list(merged([first, second], Dropped(), tmp_path)) == [entry(2), entry(3), entry(4)]


def test_without_lines_there_is_no_file(tmp_path: Path) -> None:
    written = LinesWritten(FingerprintRule(), tmp_path)
    written.flush()
    written.close()
    assert (written.file, written.left_out, list(tmp_path.iterdir())) == (None, 0, [])


def test_each_line_is_printed_and_kept(tmp_path: Path, capsys) -> None:
    written = LinesWritten(FingerprintRule(FingerprintLines.ALL), tmp_path)
    written.write(17, "[REQ-7a2f-17] 会议")
    written.flush()
    written.close()
    assert capsys.readouterr().out == "[REQ-7a2f-17] 会议\n"
    assert (tmp_path / FINGERPRINTS_NAME).read_bytes() == entry(17)
