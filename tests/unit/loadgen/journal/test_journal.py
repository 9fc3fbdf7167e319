"""The journal of a worker says after a kill at any byte what was whole before it, and belongs to one incarnation."""

from pathlib import Path

import pytest

from elastometer_loadgen.base.clock import Clock
from elastometer_loadgen.base.record import format_instant
from elastometer_loadgen.drive.knee_search import knee_result
from elastometer_loadgen.journal.journal import JOURNAL_NAME, Journal, JournalError
from elastometer_loadgen.journal.knee_record import KneeResult, Step, knee_document
from elastometer_loadgen.profile.profile import parse_profile
from elastometer_loadgen.stages.knee import KneeStage, KneeVariable

START = 1_790_000_000_000_000
FIRST, SECOND, SOAK = Step(50, 10.0, 15.0, None), Step(100, 15.0, 20.0, "too slow"), Step(50, 20.0, 30.0, None)


def filled(folder: Path, clock: Clock) -> Path:
    journal = Journal(folder, "pod-a", clock)
    journal.open(START, None)
    journal.note_end("count", 9.5)
    for step, numbers in ((FIRST, 3), (SECOND, 7)):
        journal.note_step("knee", step.value, step.begin, numbers)
        journal.note_held("knee", step, is_soak=False)
    journal.note_step("knee", SOAK.value, SOAK.begin, 9)
    journal.note_held("knee", SOAK, is_soak=True)
    journal.close()
    return folder / JOURNAL_NAME


def state(journal: Journal) -> tuple[object, ...]:
    knee = journal.knee("knee")
    return journal.start, journal.end_of("count"), knee.steps, knee.soak, knee.numbers, knee.interrupted


def test_a_later_incarnation_reads_what_was_written(tmp_path: Path) -> None:
    clock = Clock()
    filled(tmp_path, clock)
    start, end, steps, soak, numbers, interrupted = state(Journal(tmp_path, "pod-a", clock))
    assert (start, end, steps, soak, numbers, interrupted) == (START, pytest.approx(9.5, abs=1e-6), [
        Step(step.value, pytest.approx(step.begin, abs=1e-6), pytest.approx(step.end, abs=1e-6), step.failed)  # type: ignore[arg-type]
        for step in (FIRST, SECOND)
    ], Step(50, pytest.approx(20, abs=1e-6), pytest.approx(30, abs=1e-6), None), 9, [])  # type: ignore[arg-type]


def test_a_step_that_could_not_be_judged_is_read_as_that_and_older_lines_as_before(tmp_path: Path) -> None:
    clock = Clock()
    path = filled(tmp_path, clock)
    journal = Journal(tmp_path, "pod-a", clock)
    journal.open(START, None)
    journal.note_step("knee", 150, 40.0, 9)
    journal.note_held("knee", Step(150, 40.0, 45.0, None, "no request was due in it"), is_soak=False)
    journal.close()
    found = Journal(tmp_path, "pod-a", clock).knee("knee").steps
    assert [(step.failed, step.inconclusive, step.is_good) for step in found] == [
        (None, None, True), ("too slow", None, False), (None, "no request was due in it", False),
    ]
    assert path.read_bytes().count(b'"inconclusive":null,') == 3
    path.write_bytes(path.read_bytes().replace(b'"inconclusive":null,', b""))
    assert Journal(tmp_path, "pod-a", clock).knee("knee").steps == found
    assert path.read_bytes().count(b'"inconclusive":') == 1
    path.write_bytes(path.read_bytes().replace(b'"inconclusive":', b'"untold":'))
    assert Journal(tmp_path, "pod-a", clock).knee("knee").steps == found


def test_a_kill_at_any_byte_leaves_the_lines_before_it_and_what_follows_is_read_too(tmp_path: Path) -> None:
    """Cut at every byte, continued with one more line, and read again: the whole lines of both, in order."""
    clock = Clock()
    whole = filled(tmp_path / "a", clock).read_bytes() if (tmp_path / "a").mkdir() is None else b""
    lines = whole.splitlines(keepends=True)
    assert len(lines) == 8
    for cut in range(len(lines[0]), len(whole) + 1, 7):
        (tmp_path / JOURNAL_NAME).write_bytes(whole[:cut])
        kept = whole[: whole.rfind(b"\n", 0, cut) + 1]
        journal = Journal(tmp_path, "pod-a", clock)
        journal.open(START, "2026-11-27T09:00:00.000000Z")
        journal.note_end("lengths", 40.0)
        journal.close()
        found = (tmp_path / JOURNAL_NAME).read_bytes()
        assert found.startswith(kept)
        assert found[len(kept) :].count(b"\n") == 2
        again = Journal(tmp_path, "pod-a", clock)
        assert again.end_of("lengths") == pytest.approx(40.0, abs=1e-6)
        assert [gap["fromTime"] for gap in again.interruptions] == ["2026-11-27T09:00:00.000000Z"]
        assert len(again.knee("knee").interrupted) == kept.count(b"StepBegun") - kept.count(b"StepHeld")


@pytest.mark.parametrize("incarnation", ["pod-b", None])
def test_the_journal_of_another_run_is_not_resumed(tmp_path: Path, incarnation: str | None) -> None:
    clock = Clock()
    filled(tmp_path, clock)
    other = Journal(tmp_path, incarnation, clock)
    assert state(other) == (None, None, [], None, 0, [])
    other.open(START + 1, None)
    other.close()
    lines = (tmp_path / JOURNAL_NAME).read_bytes().splitlines()
    assert len(lines) == (1 if incarnation else 8)


def test_a_full_disk_is_reported_and_leaves_whole_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, "pod-a", Clock())
    journal.open(START, None)
    write = journal_write = __import__("os").write
    monkeypatch.setattr("elastometer_loadgen.journal.journal.os.write", lambda file, line: write(file, line[:5]))
    with pytest.raises(JournalError, match="the disk took 5 of"):
        journal.note_end("count", 1.0)
    monkeypatch.setattr("elastometer_loadgen.journal.journal.os.write", journal_write)
    assert (tmp_path / JOURNAL_NAME).read_bytes().count(b"\n") == 1
    assert (tmp_path / JOURNAL_NAME).read_bytes().endswith(b"\n")


def test_a_summary_names_the_steps_that_were_interrupted(tmp_path: Path) -> None:
    clock = Clock()
    journal = Journal(tmp_path, "pod-a", clock)
    journal.open(START, None)
    journal.note_step("knee", 50, 10.0, 0)
    journal.close()
    knee = {"name": "knee", "type": "Knee", "of": "Users", "start": 50, "step": 50, "stepSeconds": 5, "maximum": 100}
    (stage,) = parse_profile({"stages": [knee]}).stages
    assert isinstance(stage, KneeStage)
    document = knee_document(knee_result(stage, Journal(tmp_path, "pod-a", clock).knee("knee")), clock)
    assert document == {
        "stage": "knee", "of": "Users", "good": None, "steps": [], "soak": None,
        "interrupted": [{"value": 50, "startTime": format_instant(clock.instant(10.0))}],
    }


def test_a_summary_says_why_a_step_could_not_be_judged_and_says_nothing_of_it_elsewhere() -> None:
    clock = Clock()
    steps = (FIRST, Step(100, 15.0, 20.0, None, "no request was due in it"))
    document = knee_document(KneeResult("knee", KneeVariable.USERS, steps, None), clock)
    assert document["good"] == 50
    first, second = document["steps"]
    assert (first["failed"], "inconclusive" in first) == (None, False)
    assert (second["failed"], second["inconclusive"]) == (None, "no request was due in it")
