"""`elastometer find` tells of one request what the run knows: its line, its record, its Pod and the log around it."""
from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest

from elastometer.cli.main import main
from elastometer.world.bundle_writer import compact, seal
from elastometer.world.run_store import RunStore
from support.synthetic.run import write_run

POD = "demo-server-7c9d4f8b6-lm4zt"
LINE = '[REQ-a674-204] TASK=poem INPUT="大海" → OUTPUT="…"'


def log(time: str, text: str, pod: str = POD) -> bytes:
    line = {"kind": "Log", "receivedTime": "2026-03-04T10:05:00.000000Z", "pod": pod, "container": "server",
            "time": f"2026-03-04T10:01:{time}Z", "line": text}
    return orjson.dumps(line) + b"\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Request 204 was sent at 10:01:23.910 and was over at 10:01:27.735."""
    directory = write_run(tmp_path_factory.mktemp("find") / "demo-5f2c8a10")
    with (directory / "observations.jsonl").open("ab") as file:
        file.write(log("18.800000000", "too early") + log("19.000000000", "WARNING early"))
        file.write(log("32.700000000", "ERROR late") + log("32.800000000", "too late"))
        file.write(log("25.000000000", "of another Pod", "demo-server-other"))
    lines = [{"id": 20, "line": "x"}, {"id": 204, "line": LINE}, {"id": 2040, "line": "y"}]
    (directory / "workers" / "0-uid-0.lines").write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in lines))
    return directory


def test_a_request_is_found_by_its_name_with_its_line_record_and_log(
    run: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["find", str(run), "REQ-a674-204"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == [f"{run}: REQ-a674-204", LINE]
    assert "  sendTime          2026-03-04T10:01:23.909649Z" in said
    assert said[-3:] == [
        f"log of Pod {POD}, from 5 s before it was sent to 5 s after its end:",
        "  2026-03-04T10:01:19.000Z  WARNING early",
        "  2026-03-04T10:01:32.700Z  ERROR late",
    ]


def test_a_sealed_run_and_its_archive_tell_the_same(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["find", str(run), "[REQ-a674-204]", "--output", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown[0]["line"], shown[0]["record"]["completionTokens"], len(shown[0]["log"])) == (LINE, 39, 2)
    sealed = tmp_path / run.name
    for path in run.rglob("*"):
        if path.is_file():
            (sealed / path.relative_to(run)).parent.mkdir(parents=True, exist_ok=True)
            (sealed / path.relative_to(run)).write_bytes(path.read_bytes())
    store = RunStore(sealed)
    compact(store)
    seal(store, {"report.json": b"{}"})
    for path in (sealed, sealed / "bundle.tar.zst"):
        assert main(["find", str(path), "REQ-a674-204", "--output", "json"]) == 0
        again = json.loads(capsys.readouterr().out)
        assert again == [{**shown[0], "run": str(path)}]


def test_a_request_without_a_line_is_found_all_the_same(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fingerprint = f"{203 * 7919 % 65536:04x}"
    assert main(["find", str(run), f"REQ-{fingerprint}-203", "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["line"] is None


@pytest.mark.parametrize(("name", "said"), [
    ("REQ-a675-204", "has no request REQ-a675-204"), ("REQ-a674-999999", "has no request REQ-a674-999999"),
    ("REQ-a674", "the request must be a name such as REQ-7a2f-17, is 'REQ-a674'"),
    ("REQ-a674-\x1b[2J", "is 'REQ-a674- [2J'"),
])
def test_what_names_no_request_of_the_run_is_refused(
    run: Path, name: str, said: str, capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["find", str(run), name]) == 2
    assert said in capsys.readouterr().err


def test_a_study_is_searched_run_by_run(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Equal seeds give out equal names, so each repetition has the request."""
    runs = [{"name": f"shop-base-{number}", "variant": "base", "repetition": number, "judged": True, "state": state}
            for number, state in ((1, "Judged"), (2, "Judged"), (3, "Skipped"))]
    study = {"schemaVersion": 1, "study": {"name": "shop", "namespace": "team", "uid": "1"}, "spec": {}, "runs": runs,
             "startTime": "2026-03-04T10:00:00Z"}
    (tmp_path / "study.json").write_text(json.dumps(study))
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "shop-base-2").symlink_to(run)
    assert main(["find", str(tmp_path), "REQ-a674-204", "--output", "json"]) == 0
    assert [hit["run"] for hit in json.loads(capsys.readouterr().out)] == [str(tmp_path / "runs" / "shop-base-2")]
