"""A worker that is killed within open-ended stages continues from its journal: in virtual time, at any instant.

The first incarnation is cut at an instant: requests that had ended by then have a record, those in flight have none,
and the journal is as it was. The second incarnation begins some seconds later.
"""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from elastometer_loadgen.base.clock import Clock
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.base.users import request_id
from elastometer_loadgen.drive.share import WorkerShare
from elastometer_loadgen.drive.stage_runner import StageRunner
from elastometer_loadgen.drive.timers import Timers
from elastometer_loadgen.journal.journal import JOURNAL_NAME, Journal
from elastometer_loadgen.plan.prompts import Prompt
from elastometer_loadgen.plan.schedule import Arrival, compute_schedule
from elastometer_loadgen.profile.profile import parse_profile
from elastometer_loadgen.wire.exchange import Exchange

pytestmark = pytest.mark.looptime
ANSWER_SECONDS, AWAY_SECONDS = 0.5, 3.0
COUNT = {"name": "count", "type": "Concurrency", "concurrency": 3, "requests": 20}
SWEEP = {"name": "lengths", "type": "Sweep", "inputTokens": [16, 32], "outputTokens": 8, "requestsEach": 4}
AFTER = {"name": "after", "type": "Rate", "durationSeconds": 4, "endRequestsPerSecond": "2", "arrivals": "Constant"}
BEFORE = AFTER | {"name": "before"}
KNEE = {"name": "knee", "type": "Knee", "start": 2, "step": 2, "stepSeconds": 5, "maximum": 6, "soakSeconds": 4,
        "objectives": [{"indicator": "RequestLatency", "percentile": 95, "maximumMilliseconds": 1000}]}


@pytest.fixture(autouse=True)
def _virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    drive = ("timers", "stage_runner", "users", "knee_search", "pacer")
    for module in (*(f"drive.{name}" for name in drive), "journal.journal"):
        monkeypatch.setattr(
            f"elastometer_loadgen.{module}.monotonic", lambda: asyncio.get_running_loop().time()
        )


@dataclass
class Incarnation:
    """One incarnation of a worker; `ended` are the requests that have a record, with their intended time."""

    stages: list[dict[str, Any]]
    begin: float
    journal: Journal
    done: frozenset[int] = frozenset()
    slow: dict[str, float] = field(default_factory=dict)
    ended: dict[int, tuple[str, float]] = field(default_factory=dict)
    dead: bool = False
    in_flight: int = 0

    def __post_init__(self) -> None:
        profile = parse_profile({"seed": 3, "stages": self.stages})
        share = WorkerShare(
            profile=profile, schedule=compute_schedule(profile), worker=0, workers=1, done=self.done,
            turns=lambda _: 1,
        )
        timers = Timers(asyncio.get_running_loop())
        self.runner = StageRunner(share, self._send, journal=self.journal, timers=timers)

    async def run(self) -> bool:
        complete = await self.runner.run(self.begin, asyncio.get_running_loop().time())
        while self.in_flight:
            await asyncio.sleep(0.01)
        return complete

    def kill(self) -> None:
        self.dead = True
        self.runner.stop()

    def _send(self, arrival: Arrival, intended_at: float) -> None:
        loop = asyncio.get_running_loop()
        self.in_flight += 1
        exchange = Exchange(arrival, Prompt("t", "0000", b""), intended_at, loop.time())
        loop.call_later(self.slow.get(arrival.stage, ANSWER_SECONDS), self._end, exchange)

    def _end(self, exchange: Exchange) -> None:
        self.in_flight -= 1
        if self.dead:
            return
        exchange.end_at, exchange.outcome = asyncio.get_running_loop().time(), Outcome.SUCCESS
        assert exchange.arrival.id not in self.ended | dict.fromkeys(self.done)
        self.ended[exchange.arrival.id] = (exchange.arrival.stage, exchange.intended_at - self.begin)
        self.runner.ended(exchange)


async def two_incarnations(
    folder: Path, stages: list[dict[str, Any]], cut_at: float, slow: dict[str, float] | None = None
) -> tuple[Incarnation, Incarnation]:
    clock, begin = Clock(), asyncio.get_running_loop().time()
    journal = Journal(folder, "pod-a", clock)
    journal.open(clock.instant(begin), None)
    first = Incarnation(stages, begin, journal, slow=slow or {})
    running = asyncio.ensure_future(first.run())
    await asyncio.sleep(cut_at)
    journal.close()  # what is written from here on is lost with the process
    running.cancel()
    first.kill()
    await asyncio.sleep(AWAY_SECONDS)
    again = Journal(folder, "pod-a", clock)
    assert again.start == clock.instant(begin)
    again.open(again.start, None)
    second = Incarnation(stages, begin, again, frozenset(first.ended))
    assert await second.run()
    again.close()
    return first, second


def ended(incarnations: tuple[Incarnation, Incarnation]) -> list[tuple[int, tuple[str, float]]]:
    """The requests of both: id, stage, and seconds from the begin to the intended time."""
    return [item for incarnation in incarnations for item in incarnation.ended.items()]


def of_stage(incarnations: tuple[Incarnation, Incarnation], stage: str) -> list[int]:
    return sorted(number for number, (name, _) in ended(incarnations) if name == stage)


@pytest.mark.parametrize("cut_at", [0.7, 2.2, 3.4])
@pytest.mark.parametrize("stage", [COUNT, SWEEP])
async def test_a_count_goes_on_with_the_numbers_that_are_not_done_and_the_next_stage_follows(
    tmp_path: Path, stage: dict[str, Any], cut_at: float
) -> None:
    incarnations = await two_incarnations(tmp_path, [stage, AFTER], cut_at)
    numbers = 20 if stage is COUNT else 8
    assert of_stage(incarnations, stage["name"]) == [request_id(0, 0, number) for number in range(numbers)]
    assert incarnations[0].ended
    assert of_stage(incarnations, "after") == list(range(8))
    over = max(at for _, (name, at) in ended(incarnations) if name == stage["name"]) + ANSWER_SECONDS
    wanted = sorted(at for _, (name, at) in ended(incarnations) if name == "after")
    assert wanted[0] == pytest.approx(over + 0.25, abs=0.05)
    assert incarnations[1].runner.skipped == incarnations[1].runner.missed == 0


async def test_a_stage_that_had_ended_is_not_repeated_and_what_fell_into_the_gap_is_skipped(tmp_path: Path) -> None:
    """The count takes 3.5 s, and its successor has sent 3 of 8, of which one is in flight, when the worker is cut.

    after    3.75 4.25 | 4.75 (cut at 4.8) 5.25 5.75 6.25 6.75 7.25    back at 7.8
    """
    incarnations = await two_incarnations(tmp_path, [COUNT, AFTER, SWEEP], 4.8)
    assert of_stage(incarnations, "count") == [request_id(0, 0, number) for number in range(20)]
    assert not [name for name, _ in incarnations[1].ended.values() if name == "count"]
    assert of_stage(incarnations, "after") == [0, 1]
    assert incarnations[1].runner.skipped == 6
    assert len(of_stage(incarnations, "lengths")) == 8


async def test_what_was_in_flight_from_before_a_stage_that_had_ended_is_skipped(tmp_path: Path) -> None:
    """The eight requests before the count are not answered for 60 s; it is over at 7.5 s, and the cut is at 8."""
    incarnations = await two_incarnations(tmp_path, [BEFORE, COUNT, AFTER], 8.0, slow={"before": 60.0})
    assert of_stage(incarnations, "before") == []
    assert len(of_stage(incarnations, "count")) == 20
    assert len(of_stage(incarnations, "after")) + incarnations[1].runner.skipped == 8 + 8
    assert incarnations[1].runner.skipped >= 8


@pytest.mark.parametrize("of", ["Users", "Rate"])
async def test_a_knee_repeats_the_step_that_was_interrupted_and_keeps_those_before(tmp_path: Path, of: str) -> None:
    """Steps of 5 s at 2, 4 and 6, cut 1 s into the second: 2 was held, 4 is held again from 9 s on, 6 after it."""
    incarnations = await two_incarnations(tmp_path, [KNEE | {"of": of}, AFTER], 6.0)
    (knee,) = incarnations[1].runner.knees
    begin = incarnations[0].begin
    assert [(step.value, round(step.begin - begin), round(step.end - begin)) for step in knee.steps] == [
        (2, 0, 5), (4, 9, 14), (6, 14, 19),
    ]
    assert {step.failed for step in knee.steps} == {None}
    assert [(value, round(at - begin)) for value, at in knee.interrupted] == [(4, 5)]
    assert knee.soak is not None
    assert (knee.good, knee.soak.value, round(knee.soak.begin - begin)) == (6, 6, 19)
    assert of_stage(incarnations, "after") == list(range(8))
    repeated = [at for name, at in incarnations[1].ended.values() if name == "knee" and 9 <= at < 14]
    assert len(repeated) > 5


async def test_what_a_knee_of_rates_had_given_out_is_recorded_once_or_counted_as_missed(tmp_path: Path) -> None:
    incarnations = await two_incarnations(tmp_path, [KNEE | {"of": "Rate"}], 6.0)
    numbers = [number - request_id(0, 0, 0) for number in of_stage(incarnations, "knee")]
    given_out = incarnations[1].journal.knee("knee").numbers
    assert len(numbers) == len(set(numbers))
    assert incarnations[1].runner.missed == given_out - len(numbers)
    assert 1 <= incarnations[1].runner.missed < 40


async def test_a_knee_cut_within_its_soak_repeats_the_soak_alone(tmp_path: Path) -> None:
    incarnations = await two_incarnations(tmp_path, [KNEE | {"of": "Users"}], 17.0)
    (knee,) = incarnations[1].runner.knees
    begin = incarnations[0].begin
    assert [step.value for step in knee.steps] == [2, 4, 6]
    assert knee.soak is not None
    assert (round(knee.soak.begin - begin), round(knee.soak.end - begin)) == (20, 24)
    assert [(value, round(at - begin)) for value, at in knee.interrupted] == [(6, 15)]


async def test_a_finished_knee_search_is_in_the_summary_of_the_next_incarnation_too(tmp_path: Path) -> None:
    incarnations = await two_incarnations(tmp_path, [KNEE | {"of": "Users"}, AFTER | {"durationSeconds": 60}], 25.0)
    (knee,) = incarnations[1].runner.knees
    assert ([step.value for step in knee.steps], knee.good) == ([2, 4, 6], 6)
    assert not [name for name, _ in incarnations[1].ended.values() if name == "knee"]
    assert len(of_stage(incarnations, "after")) + incarnations[1].runner.skipped == 120


@pytest.mark.parametrize("cut_at", [tenths / 10 for tenths in range(5, 200, 13)])
async def test_wherever_a_run_is_cut_every_request_is_recorded_once_or_counted(
    tmp_path: Path, cut_at: float
) -> None:
    """Two rates of 8 with a count, a Knee and a Sweep between them; in all, 8 + 20 + (Knee) + 8 + 8 requests."""
    stages = [BEFORE, COUNT, KNEE | {"of": "Rate", "soakSeconds": 2}, SWEEP, AFTER]
    incarnations = await two_incarnations(tmp_path, stages, cut_at)
    assert of_stage(incarnations, "count") == [request_id(1, 0, number) for number in range(20)]
    assert of_stage(incarnations, "lengths") == [request_id(3, 0, number) for number in range(8)]
    open_loop = len(of_stage(incarnations, "before")) + len(of_stage(incarnations, "after"))
    assert open_loop + incarnations[1].runner.skipped == 16
    given_out = incarnations[1].journal.knee("knee").numbers
    assert len(of_stage(incarnations, "knee")) + incarnations[1].runner.missed == given_out
    assert (tmp_path / JOURNAL_NAME).read_bytes().count(b"StageEnded") == 3
    (knee,) = incarnations[1].runner.knees
    assert ([step.value for step in knee.steps], knee.good, knee.soak is not None) == ([2, 4, 6], 6, True)


@pytest.mark.parametrize("rest", [b'{"event":"StageEn', b"\0" * 40 + b"\n", b'{"time":"2026"}\n', b"[1]\n"])
async def test_what_a_dying_machine_left_behind_the_whole_lines_of_a_journal_is_cut_off(
    tmp_path: Path, rest: bytes
) -> None:
    clock = Clock()
    journal = Journal(tmp_path, "pod-a", clock)
    journal.open(clock.instant(1.0), None)
    journal.note_end("count", 5.0)
    journal.close()
    whole = (tmp_path / "journal.jsonl").read_bytes()
    (tmp_path / "journal.jsonl").write_bytes(whole + rest)
    again = Journal(tmp_path, "pod-a", clock)
    assert again.start == clock.instant(1.0)
    assert again.end_of("count") == pytest.approx(5.0, abs=1e-5)
    again.open(clock.instant(1.0), None)
    again.close()
    assert (tmp_path / "journal.jsonl").read_bytes().startswith(whole + b'{"event":"Resumed"')


async def test_a_stage_that_is_stopped_beyond_its_longest_end_is_cut_all_the_same(tmp_path: Path) -> None:
    """20 requests, 3 at a time and 300 s each at most: 2100 s. The worker was away for longer."""
    journal = Journal(tmp_path, "pod-a", Clock())
    incarnation = Incarnation([COUNT, AFTER, SWEEP], asyncio.get_running_loop().time() - 10_000, journal)
    running = asyncio.ensure_future(incarnation.run())
    await asyncio.sleep(1)
    incarnation.runner.stop()
    assert not await running
    assert incarnation.runner.cut == 2
