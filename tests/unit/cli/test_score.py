"""`elastometer score`, on the published vectors of BUNGEE's own unit tests and on files that it must refuse."""
from __future__ import annotations

import json
from pathlib import Path

import pytest

from elastometer.cli.main import main

DEMAND = "0,1\n7,5\n16,3\n17,2\n19,4\n20,4\n"
SUPPLY = "0,1\n2,2\n3,1\n5,3\n9,7\n11,6\n12,8\n14,2\n20,2\n"


def score(folder: Path, demand: str, supply: str, *more: str) -> int:
    for name, text in (("d.csv", demand), ("s.csv", supply)):
        (folder / name).write_bytes(text.encode())
    return main(["score", "--demand", str(folder / "d.csv"), "--supply", str(folder / "s.csv"), *more])


def scored(capsys: pytest.CaptureFixture[str], folder: Path, demand: str, supply: str, *more: str) -> dict[str, float]:
    assert score(folder, demand, supply, *more) == 0
    found: dict[str, float] = json.loads(capsys.readouterr().out)
    return found


def test_the_published_vectors_are_exact(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The area of what is missing is 2x(7..9: 5-3) + 3x(14..16: 5-2) + 1x(16..17) + 2x(19..20: 4-2), of what is idle
    1x(2..3) + 2x(5..7: 3-1) + 2x(9..11: 7-5) + 1x(11..12) + 3x(12..14: 8-5); 20 units of time."""
    found = scored(capsys, tmp_path, DEMAND, SUPPLY, "--until", "20")
    assert (found["areaUnder"], found["areaOver"]) == (13, 16)
    assert (found["thetaUnder"], found["thetaOver"]) == (0.65, 0.80)
    assert (found["tauUnder"], found["tauOver"]) == (0.30, 0.40)
    assert round(found["thetaUnderNormalized"], 4) == 0.1417
    assert found["thetaOverNormalized"] == pytest.approx(0.36, abs=1e-12)
    assert (found["supplyEvents"], found["demandEvents"]) == (17, 9)
    assert found["jitter"] == 8 / 20
    assert found["jitterPerMinute"] == 60 * 8 / 20
    assert found["instability"] == 6 / 19
    assert found["inertia"] == 5 / 19


def test_supply_as_demand_scores_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = scored(capsys, tmp_path, DEMAND, DEMAND, "--until", "20")
    assert all(found[name] == 0 for name in ("thetaUnder", "thetaOver", "tauUnder", "tauOver", "jitter", "instability",
                                             "inertia", "thetaUnderNormalized", "thetaOverNormalized"))


def test_a_cold_start_of_ten_seconds_on_a_step_of_demand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Demand 1, from 30 s on 3; supply follows at 40 s; 100 s: 2 replicas were missing for 10 s, a third of the demand
    was there. Each curve moves by two replicas, in one of the 99 pairs of seconds."""
    found = scored(capsys, tmp_path, "0,1\n30,3\n", "0,1\n40,3\n", "--until", "100")
    assert (found["areaUnder"], found["thetaUnder"], found["tauUnder"]) == (20, 0.2, 0.1)
    assert found["thetaUnderNormalized"] == pytest.approx(2 / 3 * 0.1)
    assert (found["areaOver"], found["thetaOver"], found["tauOver"]) == (0, 0, 0)
    assert (found["jitter"], found["instability"], found["inertia"]) == (0, 1 / 99, 1 / 99)


def test_an_end_within_a_step_and_a_last_cell_that_it_cuts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Until 5 the supply lacks 1 for 2.5 of 5 s; of cells of 2 s only those at 0 and 2 are whole, and nothing moves."""
    found = scored(capsys, tmp_path, "0,1\n2.5,2\n7,9\n", "0,1\n", "--until", "5", "--unit", "2")
    assert (found["areaUnder"], found["thetaUnder"], found["tauUnder"]) == (2.5, 0.5, 0.5)
    assert found["jitter"] == -1 * 2 / 5
    assert (found["instability"], found["inertia"]) == (0, 0)


def test_one_cell_has_nothing_to_compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = scored(capsys, tmp_path, "0,1\n", "0,1\n", "--until", "1")
    assert (found["instability"], found["inertia"]) == (None, None)


def test_a_demand_of_nothing_counts_as_one_in_the_normalized_forms(
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    found = scored(capsys, tmp_path, "0,0\n", "0,2\n", "--until", "10")
    assert (found["thetaOver"], found["thetaOverNormalized"], found["tauOver"]) == (2, 2, 1)


def test_what_changed_before_the_start_is_no_event(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = scored(capsys, tmp_path, "-20,1\n-5,4\n", "-20,2\n-5,4\n3,5\n", "--until", "10")
    assert (found["demandEvents"], found["supplyEvents"]) == (0, 1)


@pytest.mark.parametrize("text", ["t,value\n0,1\n5,2\n", "# a comment\n\n t , value \r\n 0 , 1.0 \r\n5,2e0\r\n",
                                  "\ufeff0,1\n5,2"], ids=["header", "comment, spaces, CRLF", "byte order mark"])
def test_forms_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    assert scored(capsys, tmp_path, text, "0,1\n", "--until", "10")["thetaUnder"] == 0.5


@pytest.mark.parametrize(("demand", "expected"), [
    ("1,1\n", "d.csv: must begin at 0 or before, so that it is known what holds there; begins at 1"),
    ("0,1\n3,2\n2,1\n", "d.csv:3: t must be above that of the line before it (3), is 2"),
    ("0,1\n0,2\n", "d.csv:2: t must be above that of the line before it (0), is 0"),
    ("0,-1\n", "d.csv:1: value must be 0 or more, is -1"),
    ("0,1\n1,nan\n", "d.csv:2: value must be a number, is 'nan'"),
    ("0,1\ninf,1\n", "d.csv:2: t must be a number, is 'inf'"),
    ("0,1\n1,1e999\n", "d.csv:2: value must be a number, is '1e999'"),
    ("0,1,2\n", "d.csv:1: must be t,value, is '0,1,2'"),
    ("0;1\n", "d.csv:1: must be t,value, is '0;1'"),
    ("t,value\n", "d.csv: must have at least one line t,value, has none"),
    ("", "d.csv: must have at least one line t,value, has none"),
    ("0,1\nt,value\n", "d.csv:2: t must be a number, is 't'"),
])
def test_a_file_that_leaves_open_what_holds_when_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], demand: str, expected: str,
) -> None:
    assert score(tmp_path, demand, "0,1\n", "--until", "10") == 2
    assert expected in capsys.readouterr().err


def test_the_flaws_of_both_files_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert score(tmp_path, "0,x\n", "0,1\n0,1\n", "--until", "10") == 2
    error = capsys.readouterr().err
    assert "d.csv:1" in error
    assert "s.csv:2" in error


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "d.csv").write_text("0,1\n")
    assert main(["score", "--demand", str(tmp_path / "d.csv"), "--supply", str(tmp_path / "none.csv"), "--until", "5"
                 ]) == 2
    assert "none.csv: must be a readable text file in UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize("until", ["0", "-1", "nan", "inf", "x"])
def test_a_time_that_does_not_end_is_refused(tmp_path: Path, until: str) -> None:
    with pytest.raises(SystemExit) as error:
        score(tmp_path, "0,1\n", "0,1\n", f"--until={until}")
    assert error.value.code == 2


def test_as_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert score(tmp_path, DEMAND, SUPPLY, "--until", "20", "--output", "text") == 0
    assert "missing, average (theta_U)           0.65" in capsys.readouterr().out
