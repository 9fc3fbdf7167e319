"""`elastometer hpa explain` on runs, on traces, and on what is neither."""
from __future__ import annotations

import json
from pathlib import Path

import pytest

from elastometer.cli.hpa.explain_text import account_lines
from elastometer.cli.main import main
from elastometer.model.autoscaler import AutoscalerAccount
from support.synthetic.run import write_run

TESTS = Path(__file__).parents[2]
TRACES = TESTS / "oracle" / "given-traces.jsonl"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run"))


def explained(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["hpa", "explain", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = main(["hpa", "explain", *map(str, arguments)])
    found = capsys.readouterr()
    assert found.out == ""
    return code, found.err


def test_a_run_is_shown_sync_by_sync_with_idle_ones_in_one_line(run: Path, capsys: pytest.CaptureFixture[str]):
    lines = explained(capsys, run).splitlines()
    assert lines[0] == "demo: 18 syncs, 1 to 4 replicas"
    assert lines[3] == ("  -16.791 s  … 5 syncs to +43.213 s, nothing to do: 1 replica, 1 Ready, "
                        "held by minReplicas")
    assert lines[4].split("  ")[1:] != []
    assert "3 → 2 scaling policy" in lines[4]
    assert any("decides as the live controller did at 18 of 18 syncs (100 %)" in line for line in lines)


def test_with_all_every_sync_has_its_line(run: Path, capsys: pytest.CaptureFixture[str]):
    lines = explained(capsys, run, "--all").splitlines()
    table = lines[3:lines.index("", 3)]
    assert len(table) == 18
    assert sum(" ~ " in line for line in table) == 8, "inferred syncs are marked"


def test_the_parts_of_a_bar_are_as_long_as_their_seconds(run: Path, capsys: pytest.CaptureFixture[str]):
    lines = explained(capsys, run).splitlines()
    second = next(line for line in lines if line.startswith("  2 → 3"))
    third = next(line for line in lines if line.startswith("  3 → 4"))
    assert (second.count("█"), second.count("▒")) == (1, 1), "what is there is seen, however short"
    assert third.count("▒") == round(32 * 13.2 / 28.4)
    assert third.count("▓") == round(32 * 15.0 / 28.4)


def test_a_cause_has_one_mark_in_every_bar_and_one_line_in_the_legend(run: Path, capsys: pytest.CaptureFixture[str]):
    lines = explained(capsys, run).splitlines()
    legend = [at for at, line in enumerate(lines) if line.startswith("  bars: ")]
    assert len(legend) == 1
    marks = dict(reversed(one.split(" ", 1)) for one in lines[legend[0]].removeprefix("  bars: ").split(", "))
    assert marks["sync wait"] == "▒"
    rows = [(line, lines[at + 1]) for at, line in enumerate(lines) if line[4:].startswith("→ ")]
    assert len(rows) == 5
    for row, parts in rows:
        assert {mark for mark in row if mark in marks.values()} >= {
            mark for label, mark in marks.items() if f"{label} " in parts}


def test_parts_known_less_exactly_than_their_whole_are_explained_once(run: Path, capsys: pytest.CaptureFixture[str]):
    said = explained(capsys, run)
    assert said.count("A part can have a wider ± than the total") == 1


def test_why_a_part_is_not_known_is_said_once_below_the_table(capsys: pytest.CaptureFixture[str]):
    lines = explained(capsys, TRACES, "--name", "trace-3").splitlines()
    assert sum("not known [1]" in line for line in lines) == 3
    assert [line for line in lines if "the signal itself was not recorded" in line] == [
        "  [1] the signal itself was not recorded; the need began within the 15.0 s since the sync before"]


def test_json_has_everything_and_folds_nothing(run: Path, capsys: pytest.CaptureFixture[str]):
    document = json.loads(explained(capsys, run, "--output", "json"))
    assert len(document["rows"]) == document["fidelity"]["syncs"] == 18
    assert [(one["fromReplicas"], one["toReplicas"]) for one in document["changes"]] == [
        (1, 2), (2, 3), (3, 4), (4, 2), (2, 1)]


def test_traces_are_explained_one_by_one_and_by_name(capsys: pytest.CaptureFixture[str]):
    names = [json.loads(line)["name"] for line in explained(capsys, TRACES, "--output", "json").splitlines()]
    assert names == [f"trace-{number}" for number in range(1, 13)]
    assert explained(capsys, TRACES, "--name", "trace-7").startswith("trace-7: 100 syncs, 1 to 2 replicas")


def test_a_run_without_an_autoscaler_is_said_to_have_none(run: Path, tmp_path: Path,
                                                          capsys: pytest.CaptureFixture[str]):
    for file in ("spec.json", "start.json"):
        (tmp_path / file).write_text((run / file).read_text())
    kept = (line for line in (run / "observations.jsonl").read_text().splitlines(keepends=True)
            if '"kind": "HorizontalPodAutoscaler", "receivedTime"' not in line)
    (tmp_path / "observations.jsonl").write_text("".join(kept))
    code, said = refused(capsys, tmp_path)
    assert (code, said) == (4, f"{tmp_path}: nothing to explain: no HorizontalPodAutoscaler was seen\n")


@pytest.mark.parametrize(("content", "rule"), [
    ("", "must hold a trace on each line, is empty"),
    ("{", "line 1: must be one JSON object"),
    ("[]", "line 1: must be one JSON object, is list"),
    ('{"name": 3, "hpa": {}}', "line 1: name: must be a string, is 3"),
])
def test_what_is_no_trace_is_refused_with_its_line_and_rule(
        tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, rule: str):
    path = tmp_path / "bad.jsonl"
    path.write_text(content)
    code, said = refused(capsys, path)
    assert code == 2
    assert str(path) in said
    assert rule in said


def test_what_is_neither_is_refused(tmp_path: Path, run: Path, capsys: pytest.CaptureFixture[str]):
    code, said = refused(capsys, tmp_path / "nothing")
    assert (code, "no such file exists" in said) == (2, True)
    code, said = refused(capsys, tmp_path)
    assert (code, "it contains none of a run's files" in said) == (2, True)
    code, said = refused(capsys, TRACES, "--name", "trace-99")
    assert (code, "must be the name of a trace" in said) == (2, True)
    code, said = refused(capsys, run, "--name", "trace-1")
    assert (code, "only with a trace file" in said) == (2, True)


def test_an_account_without_any_sync_can_be_shown():
    assert account_lines(AutoscalerAccount(name="demo", minimum=1, maximum=4), whole=False)[0] == (
        "demo: 0 syncs, 1 to 4 replicas")
