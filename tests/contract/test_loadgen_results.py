"""One worker or many: the same records give the same numbers, and they are what a reader would count by hand."""

import io
import math
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard

from elastometer_loadgen.__main__ import main
from elastometer_loadgen.base.record import Outcome, RequestRecord, format_instant, format_record

StandIn = Callable[..., AbstractContextManager[str]]
START = 1_790_000_000_000_000
HOSTILE = "<script>alert(1)</script>"
PROFILE = """
tasks:
  - {name: short, prompt: x, maximumTokens: 2, checks: [{type: Truncation}]}
  - {name: long, prompt: x y z, maximumTokens: 6}
stages:
  - {name: warm, type: Rate, durationSeconds: 1, endRequestsPerSecond: "20"}
  - {name: hold, type: Rate, durationSeconds: 1, endRequestsPerSecond: "40", arrivals: Constant}
"""


def record(number: int) -> RequestRecord:
    """Numbers that never repeat; every seventh is lost, every fifth was late, every third has no usage."""
    intended = START + number * 40_000
    send = intended + (70_000 if number % 5 == 0 else 100)
    lost = number % 7 == 6
    token = None if lost else send + 50_000 + (number * 7919) % 90_000
    return RequestRecord(
        id=number, worker=number % 8, stage=("warm", "hold")[number >= 60], task=("a", HOSTILE)[number % 2],
        intended=intended, send=send, connect=None, first_byte=token, first_token=token,
        last_token=None if token is None else token + 90_000 + number,
        end=send + 300_000 + (number * 104_729) % 200_000,
        chunks=0 if lost else 4, prompt_tokens=3, completion_tokens=None if lost or number % 3 == 0 else 4,
        finish_reason=None, status=None if lost else 200, outcome=Outcome.STALLED if lost else Outcome.SUCCESS,
        error=None, pod=None, address=None, fingerprint="00ff",
        checks=None if lost else {"Label": "LabelCase" if number % 4 else None},
    )


RECORDS = [record(number) for number in range(200)]


def account(worker: int, count: int, *, fell_behind: bool = False) -> dict[str, Any]:
    spread = {"p50Milliseconds": 0.1, "p99Milliseconds": 70.0, "maximumMilliseconds": 70.0}
    return {
        "worker": worker, "incarnation": f"pod-{worker}", "planned": count, "sent": count, "skipped": 0,
        "records": count, "unsent": 0, "late": 4,
        "startTime": format_instant(START), "endTime": format_instant(START + 9_000_000 + worker),
        "lateness": spread, "loopLag": spread, "cpuShare": 0.25, "openSockets": 7, "fellBehind": fell_behind,
        "garbageCollection": {"pauses": 1, "totalMilliseconds": 0.5, "maximumMilliseconds": 0.5},
        "boundMilliseconds": 50, "checks": [],
    }


def workers(directory: Path, count: int, records: list[RequestRecord] = RECORDS) -> list[str]:
    """The directories of a team that shared these records."""
    made = []
    for worker in range(count):
        share = records[worker::count]
        home = directory / f"{count}-{worker}"
        home.mkdir()
        # A worker writes records in the order in which they ended.
        lines = [format_record(record) for record in sorted(share, key=lambda record: record.end)]
        (home / "requests.jsonl").write_bytes(b"".join(lines))
        (home / "summary.json").write_bytes(orjson.dumps(account(worker, len(share))))
        made.append(str(home))
    return made


def merged(directory: Path, homes: list[str], expected: int = 0) -> dict[str, Any]:
    out = directory / "out"
    assert main(["merge", *homes, "--out", str(out)]) == expected
    return orjson.loads((out / "summary.json").read_bytes())


def packed(directory: Path) -> list[dict[str, Any]]:
    raw = (directory / "requests.jsonl.zst").read_bytes()
    return [orjson.loads(line) for line in io.BytesIO(zstandard.ZstdDecompressor().stream_reader(raw).read())]


@pytest.mark.parametrize("count", [2, 8])
def test_a_team_adds_up_to_what_one_worker_would_have_said(tmp_path: Path, count: int) -> None:
    (tmp_path / "one").mkdir()
    alone = merged(tmp_path / "one", workers(tmp_path / "one", 1))
    team = merged(tmp_path, workers(tmp_path, count))
    for name in ("planned", "sent", "records", "startTime", "checks", "total", "stages", "series", "dropped"):
        assert team[name] == alone[name]
    assert len(team["generators"]) == count
    assert team["late"] == 4 * count
    assert packed(tmp_path / "out") == [orjson.loads(format_record(record)) for record in RECORDS]


def test_merged_results_can_be_merged_again(tmp_path: Path) -> None:
    homes = workers(tmp_path, 4)
    half = [str(tmp_path / "left"), str(tmp_path / "right")]
    assert main(["merge", *homes[:2], "--out", half[0]]) == main(["merge", *homes[2:], "--out", half[1]]) == 0
    assert merged(tmp_path, half) == merged(tmp_path, homes)


def by_hand(values: list[int], share: str) -> float:
    """The smallest value that at least this share of all do not exceed, found by counting."""
    return next(v for v in sorted(values) if sum(o <= v for o in values) >= Fraction(share) * len(values)) / 1000


def test_percentiles_are_values_that_requests_had(tmp_path: Path) -> None:
    total = merged(tmp_path, workers(tmp_path, 8))["total"]
    good = [record for record in RECORDS if record.outcome is Outcome.SUCCESS]
    waits = [record.first_token - record.intended for record in good if record.first_token is not None]
    for name, share in (("p50", "1/2"), ("p90", "9/10"), ("p95", "19/20"), ("p99", "99/100"), ("maximum", "1")):
        assert total["timeToFirstToken"][f"{name}Milliseconds"] == by_hand(waits, share)
        latencies = [record.end - record.send for record in good]
        assert total["latencyFromSend"][f"{name}Milliseconds"] == by_hand(latencies, share)
        lateness = [record.send - record.intended for record in RECORDS]
        assert total["lateness"][f"{name}Milliseconds"] == by_hand(lateness, share)
    assert total["outcomes"] == Counter(record.outcome.value for record in RECORDS)
    assert total["timePerOutputToken"]["count"] == sum(record.completion_tokens is not None for record in good)
    assert total["completionTokens"] == sum(record.completion_tokens or 0 for record in RECORDS)


def test_every_second_balances(tmp_path: Path) -> None:
    series = merged(tmp_path, workers(tmp_path, 2))["series"]
    assert sum(series["due"]) == sum(series["sent"]) == sum(series["succeeded"]) + sum(series["failed"]) == 200
    assert series["inFlight"][-1] == 0
    assert series["due"][:4] == [25, 25, 25, 25]
    assert {len(column) for column in series.values() if isinstance(column, list)} == {len(series["due"])}


def test_what_a_server_never_counted_is_not_zero(tmp_path: Path) -> None:
    uncounted = [record for record in RECORDS if record.completion_tokens is None]
    total = merged(tmp_path, workers(tmp_path, 1, uncounted))["total"]
    assert (total["completionTokens"], total["completionTokensPerSecond"]) == (None, None)
    assert total["timePerOutputToken"]["p50Milliseconds"] is None


@pytest.mark.parametrize(("share", "is_shown"), [(2, True), (50, False)])
def test_streams_that_came_in_one_piece_have_no_pace_and_are_named_if_they_are_many(
    tmp_path: Path, share: int, is_shown: bool
) -> None:
    records = [
        entry._replace(chunks=8, completion_tokens=8, first_chunks=8 if entry.id % share == 0 else 1)
        for entry in RECORDS if entry.outcome is Outcome.SUCCESS
    ]
    found = merged(tmp_path, workers(tmp_path, 3, records))
    buffered = sum(entry.first_chunks == 8 for entry in records)
    assert found["total"]["bufferedStreams"] == buffered > 0
    assert found["total"]["timePerOutputToken"]["count"] == len(records) - buffered
    assert ("StreamBuffered" in (tmp_path / "out" / "report.html").read_text()) == is_shown


def test_a_worker_that_fell_behind_makes_the_team_fall_behind(tmp_path: Path) -> None:
    homes = workers(tmp_path, 2)
    (Path(homes[1]) / "summary.json").write_bytes(orjson.dumps(account(1, 100, fell_behind=True)))
    assert merged(tmp_path, homes, expected=3)["fellBehind"] is True
    assert "LoadFellBehind" in (tmp_path / "out" / "report.html").read_text()


def test_a_killed_workers_records_count_though_it_left_no_account(tmp_path: Path) -> None:
    homes = workers(tmp_path, 2)
    (Path(homes[1]) / "summary.json").unlink()
    with (Path(homes[1]) / "requests.jsonl").open("ab") as file:
        file.write(b'{"id": 9')
    summary = merged(tmp_path, homes)
    assert (summary["planned"], summary["records"], summary["dropped"]["tornLines"]) == (100, 200, 1)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda home: (home / "summary.json").write_text("[]"), "summary.json must be a summary"),
        (lambda home: (home / "summary.json").write_text('{"generators": [{}]}'), "must be a summary"),
        (lambda home: (home / "requests.jsonl").unlink(), "no records in"),
        (lambda home: (home / "requests.jsonl").rename(home / "requests.jsonl.zst"), "could not be merged"),
    ],
)
def test_a_directory_that_holds_no_run_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], object], words: str
) -> None:
    (home,) = workers(tmp_path, 1)
    spoil(Path(home))
    assert main(["merge", home, "--out", str(tmp_path / "out")]) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.new"))


class Page(HTMLParser):
    """What a browser would load or run, and the numbers that lines are drawn through."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.links: list[str] = []
        self.points: list[float] = []
        self.policy = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        given = {name: value or "" for name, value in attributes}
        self.links += [value for name, value in given.items() if name in ("src", "href", "style") or name[:2] == "on"]
        self.points += [float(number) for number in given.get("points", "").replace(",", " ").split()]
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]


def test_the_page_loads_nothing_runs_nothing_and_shows_names_as_text(tmp_path: Path) -> None:
    merged(tmp_path, workers(tmp_path, 2))
    text = (tmp_path / "out" / "report.html").read_text()
    page = Page(text)
    assert page.links == []
    assert page.tags["script"] == 0
    assert page.tags["svg"] == 4
    assert page.policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "&lt;script&gt;" in text
    assert page.points
    assert all(math.isfinite(point) and 0 <= point <= 960 for point in page.points)


def test_a_second_between_silent_ones_can_be_seen(tmp_path: Path) -> None:
    merged(tmp_path, workers(tmp_path, 1, [RECORDS[0], RECORDS[199]]))
    text = (tmp_path / "out" / "report.html").read_text()
    drawn = [points.split() for points in re.findall(r'points="([^"]*)"', text)]
    assert drawn
    assert all(len(points) > 1 for points in drawn)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("name", "left"), [("pod-a", "requests.jsonl"), (None, "requests.jsonl.zst")])
def test_only_a_stopped_worker_with_a_name_keeps_its_records_open(
    tmp_path: Path, standin: StandIn, name: str | None, left: str
) -> None:
    profile, out = tmp_path / "profile.yaml", tmp_path / "out"
    profile.write_text(PROFILE.replace("durationSeconds: 1", "durationSeconds: 60"))
    command = [sys.executable, "-m", "elastometer_loadgen", "run", str(profile), f"--out={out}"]
    with standin(tmp_path / "standin.log") as url:
        command += [f"--target={url}", *([f"--incarnation={name}"] if name else [])]
        run = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while not ((out / "requests.jsonl").exists() and (out / "requests.jsonl").stat().st_size):
            time.sleep(0.05)
        run.terminate()
        assert run.wait(timeout=30) == 4
    assert [path.name for path in out.glob("requests.*")] == [left]
    assert orjson.loads((out / "summary.json").read_bytes())["unsent"] > 0


@pytest.mark.timeout(120)
@pytest.mark.parametrize("count", [1, 2, 8])
def test_workers_on_one_machine_are_one_generator(tmp_path: Path, standin: StandIn, count: int) -> None:
    profile = tmp_path / "profile.yaml"
    profile.write_text(PROFILE)
    homes = [str(tmp_path / f"worker-{worker}") for worker in range(count)]
    with standin(tmp_path / "standin.log") as url:
        command = [sys.executable, "-m", "elastometer_loadgen", "run", str(profile), f"--target={url}"]
        command.append(f"--workers={count}")
        team = [
            subprocess.Popen([*command, f"--worker={worker}", f"--out={home}"], stderr=subprocess.DEVNULL)
            for worker, home in enumerate(homes)
        ]
        assert {worker.wait(timeout=60) for worker in team} <= {0, 3}
    assert main(["merge", *homes, "--out", str(tmp_path / "out")]) in (0, 3)
    summary = orjson.loads((tmp_path / "out" / "summary.json").read_bytes())
    found = packed(tmp_path / "out")
    assert [record["id"] for record in found] == list(range(summary["planned"]))
    assert {record["worker"] for record in found} == set(range(count))
    assert summary["total"]["outcomes"] == {"Success": summary["planned"]}
    assert [stage["stage"] for stage in summary["stages"]] == ["warm", "hold"]
    assert summary["stages"][1]["requests"] == 30
    assert [check["judged"] for check in summary["checks"]] == [
        sum(record["stage"] == stage and record["task"] == "short" for record in found) for stage in ("warm", "hold")
    ]
    assert not (tmp_path / "worker-0" / "requests.jsonl").exists()
