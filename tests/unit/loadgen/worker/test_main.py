"""The command line plans, refuses, and says with its exit code which it did."""

from pathlib import Path

import orjson
import pytest

from elastometer_loadgen.__main__ import main

PROFILE = """
seed: 7
workers: 3
stages:
  - {name: ramp, type: Rate, durationSeconds: 100, startRequestsPerSecond: "2", endRequestsPerSecond: "50",
     arrivals: Constant}
  - {name: users, type: Rate, durationSeconds: 10, endRequestsPerSecond: "50"}
"""


@pytest.fixture
def profile(tmp_path: Path) -> str:
    path = tmp_path / "profile.yaml"
    path.write_text(PROFILE)
    return str(path)


def plan(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    assert main(["plan", *arguments]) == 0
    return [orjson.loads(row) for row in capsys.readouterr().out.splitlines()]


def test_a_plan_is_linear_in_time(profile: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row for row in plan(capsys, profile) if row["stage"] == "ramp"]
    assert len(rows) == 2600
    assert sum(1 for row in rows if float(str(row["at"])) < 50) == 700
    assert rows[0] == {"at": 0.242919, "stage": "ramp", "task": "default", "id": 0}


def test_shares_of_a_plan_make_up_the_whole(profile: str, capsys: pytest.CaptureFixture[str]) -> None:
    whole = plan(capsys, profile)
    shares = [plan(capsys, profile, "--workers", "2", "--worker", str(worker)) for worker in (0, 1)]
    assert sorted(shares[0] + shares[1], key=lambda row: int(str(row["id"]))) == whole
    assert len(plan(capsys, profile, "--worker", "2")) == pytest.approx(len(whole) / 3, abs=1)


def test_a_bad_profile_is_exit_code_2_with_every_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("sed: 7\nstages: [{name: a, type: Users, users: 5}]\n")
    assert main(["run", str(path), "--target", "http://localhost:1", "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "nothing was sent" in error
    assert "sed is not a known field; did you mean seed?" in error
    assert "stages[0].durationSeconds must be given; it is absent" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--target", "localhost:8000"], "--target must be a URL such as http://server:8000"),
        (["--target", "http://u:p@host"], "--target must be a URL without user"),
        (["--target", "http://host:99999"], "--target"),
        (
            ["--target", "http://host", "--worker", "3"],
            "--worker must be less than the number of workers, 3; got 3",
        ),
        (["--target", "http://host", "--report-to", "http://r"], "--report-to must come with --token-file"),
        (
            ["--target", "http://host", "--api-key-file", "/nonexistent"],
            "--api-key-file must be a readable file",
        ),
    ],
)
def test_a_wrong_option_is_exit_code_2(
    profile: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], words: str
) -> None:
    assert main(["run", profile, "--out", str(tmp_path / "out"), *more]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert "u:p" not in error


def test_the_index_of_a_job_is_the_index_of_the_worker(
    profile: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "3")
    assert main(["run", profile, "--out", str(tmp_path), "--target", "http://host"]) == 2
    assert "must be less than the number of workers, 3; got 3" in capsys.readouterr().err


def test_help_names_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    assert "fell behind" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["plan", "run", "merge"])
def test_help_of_a_command_says_what_it_is_for_with_examples_and_exit_codes(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    said = capsys.readouterr().out
    assert caught.value.code == 0
    assert f"  elastometer-load {command} " in said
    assert "exit codes: 0" in said


def test_a_knee_is_not_shared_between_workers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "knee.yaml"
    path.write_text("stages: [{name: k, type: Knee, of: Users, start: 1, step: 1, stepSeconds: 1, maximum: 2}]\n")
    target = ["--target", "http://localhost:1", "--out", str(tmp_path / "out")]
    assert main(["run", str(path), *target, "--workers", "2", "--worker", "0"]) == 2
    assert capsys.readouterr().err == (
        "error: --workers must be 1: stage k is a Knee, and one worker must judge its steps from all requests; got 2\n"
    )
    assert not (tmp_path / "out").exists()
