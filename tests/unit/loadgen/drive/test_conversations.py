"""Conversations whose history holds the model's own answers: what turns say, when they are sent, how all is counted."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson
import pytest

from elastometer_loadgen.base.record import parse_instant
from elastometer_loadgen.base.target import Target, parse_target
from elastometer_loadgen.base.turns import MAX_TURNS, TURN_BITS, conversation_of, turn_id, turn_of
from elastometer_loadgen.base.users import FIRST_CLOSED_ID, request_id
from elastometer_loadgen.checks.check import CheckType
from elastometer_loadgen.drive.conversations import UnfinishedConversations, unfinished_conversations
from elastometer_loadgen.journal.spool import Spool
from elastometer_loadgen.plan.overview import overview, table
from elastometer_loadgen.plan.prompts import PromptSource
from elastometer_loadgen.profile.profile import Profile, ProfileError, parse_profile
from elastometer_loadgen.results.summary import finished_earlier
from elastometer_loadgen.stages.count import CountStage
from elastometer_loadgen.worker.assignment import Assignment
from elastometer_loadgen.worker.process import ExitCode
from elastometer_loadgen.worker.worker import Worker

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
REFUSAL = b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n"
USER, OWN = {"role": "user", "content": "more"}, {"role": "assistant", "generated": True}
TALK = {
    "name": "talk", "thinkTimeSeconds": "0.02",
    "messages": [{"role": "system", "content": "Be brief."},
                 {"role": "user", "content": "{{ canary }} I am {{ name }}."}, OWN,
                 {"role": "user", "content": "{{ canary }}: how are you?"}, OWN,
                 {"role": "user", "content": "Who am I?"}],
    "dataset": {"inline": [{"name": "Ada"}]}, "maximumTokens": {"minimum": 10, "maximum": 99},
    "checks": [{"type": "Recall", "fact": "I am {{ name }}"}, {"type": "MinimumTokens", "minimum": 1}],
}
SINGLE = {"name": "single", "prompt": "Hello."}
BURST = {"name": "burst", "type": "Rate", "durationSeconds": 1, "endRequestsPerSecond": "8", "arrivals": "Constant"}
COUNT = {"name": "count", "type": "Concurrency", "concurrency": 2, "requests": 6}


class Server:
    """Answers the n-th request with `answer n`, and refuses what has so many messages as `refused_length`."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.refused_length = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(row for row in head.split(b"\r\n") if row.startswith(b"content-length:"))
            body = orjson.loads(await reader.readexactly(int(length.split(b":")[1])))
            self.bodies.append(body)
            event = {"choices": [{"delta": {"content": f"answer {len(self.bodies)}"}, "finish_reason": "stop"}],
                     "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
            is_refused = len(body["messages"]) == self.refused_length
            writer.write(REFUSAL if is_refused else b"%bdata: %b\n\ndata: [DONE]\n\n" % (HEAD, orjson.dumps(event)))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


@pytest.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Server, Target]]:
    monkeypatch.setattr("elastometer_loadgen.worker.worker.prepare_process", lambda: None)
    monkeypatch.setattr("elastometer_loadgen.worker.membership.LEAD_SECONDS", 0.01)
    server = Server()
    running = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    yield server, parse_target(f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}")
    running.close()


def profile(*stages: dict[str, Any], tasks: list[dict[str, Any]] | None = None, **fields: Any) -> Profile:
    lateness = {"latenessBoundMilliseconds": 10_000}
    return parse_profile({"tasks": tasks or [TALK], "stages": list(stages), **lateness, **fields})


def worker_of(given: Profile, target: Target, out: Path, incarnation: str | None = None) -> Worker:
    assignment = Assignment(profile=given, target=target, out=out, incarnation=incarnation)
    return Worker(assignment, Spool(out, incarnation))


def written(folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    records = [orjson.loads(row) for row in (folder / "requests.jsonl").read_bytes().splitlines()]
    return records, orjson.loads((folder / "summary.json").read_bytes())


def add_up(summary: dict[str, Any], records: list[dict[str, Any]]) -> None:
    assert summary["planned"] == summary["sent"] + summary["skipped"] + summary["unsent"]
    assert summary["sent"] == summary["records"] == len(records) == len({record["id"] for record in records})


def test_numbers_of_turns_collide_with_no_turn_schedule_or_user() -> None:
    highest = request_id(255, 9_999, (1 << 24) - 1)
    assert highest < 1 << TURN_BITS
    for first in (0, 9_999_999, FIRST_CLOSED_ID, highest):
        numbers = [turn_id(first, turn) for turn in range(1, MAX_TURNS + 1)]
        assert numbers[0] == first
        assert [turn_of(number) for number in numbers] == list(range(1, MAX_TURNS + 1))
        assert {conversation_of(number) for number in numbers} == {first}
        assert max(numbers) < 2**53


async def test_each_turn_asks_with_the_models_own_answers_before_it(
    served: tuple[Server, Target], tmp_path: Path
) -> None:
    server, target = served
    record = profile(BURST | {"endRequestsPerSecond": "1"})
    assert await worker_of(record, target, tmp_path).run() is ExitCode.CARRIED_OUT
    records, summary = written(tmp_path)
    first, second, third = server.bodies
    mark = first["messages"][1]["content"].split()[0]
    assert mark == f"[REQ-{records[0]['fingerprint']}-0]"
    assert second["messages"] == [
        *first["messages"], {"role": "assistant", "content": "answer 1"},
        {"role": "user", "content": f"{mark}: how are you?"},
    ]
    assert third["messages"] == [
        *second["messages"], {"role": "assistant", "content": "answer 2"}, {"role": "user", "content": "Who am I?"},
    ]
    assert [first | {"messages": 0}, second | {"messages": 0}] == [third | {"messages": 0}] * 2
    assert [(record["conversation"], record["turn"], record["stage"]) for record in records] == [
        (0, 1, "burst"), (0, 2, "burst"), (0, 3, "burst"),
    ]
    add_up(summary, records)
    assert (summary["planned"], summary["unsent"]) == (3, 0)


async def test_a_turn_is_wanted_when_its_user_has_thought_about_the_answer(
    served: tuple[Server, Target], tmp_path: Path
) -> None:
    await worker_of(profile(BURST), served[1], tmp_path).run()
    records, _ = written(tmp_path)
    by_id = {record["id"]: record for record in records}
    pairs = [(by_id[turn_id(record["conversation"], record["turn"] - 1)], record) for record in records
             if record["turn"] > 1]
    assert len(pairs) == 16
    for before, record in pairs:
        thought = parse_instant(record["intendedTime"]) - parse_instant(before["endTime"])
        assert abs(thought - 20_000) <= 1
        assert record["sendTime"] >= record["intendedTime"]


async def test_the_fact_is_looked_for_in_the_last_answer_alone_and_the_distance_is_reported(
    served: tuple[Server, Target], tmp_path: Path
) -> None:
    await worker_of(profile(BURST), served[1], tmp_path).run()
    records, summary = written(tmp_path)
    for record in records:
        lacks = {"Recall": "Forgotten:2"} if record["turn"] == 3 else {}
        assert record["checks"] == lacks | {"MinimumTokens": None}
    (recall,) = [row for row in summary["checks"] if row["check"] == "Recall"]
    assert (recall["judged"], recall["failures"]) == (8, {"Forgotten:2": 8})


async def test_a_lost_turn_ends_its_conversation_and_what_was_not_asked_is_counted(
    served: tuple[Server, Target], tmp_path: Path
) -> None:
    """The second turn of every conversation is refused: 8 are answered, 8 are lost, and 8 are never asked."""
    server, target = served
    server.refused_length = 4
    given = profile(BURST)
    assert await worker_of(given, target, tmp_path, "pod-a").run() is ExitCode.CARRIED_OUT
    records, summary = written(tmp_path)
    assert sorted((record["turn"], record["outcome"]) for record in records) == [
        *[(1, "Success")] * 8, *[(2, "ServerError")] * 8,
    ]
    add_up(summary, records)
    assert [summary[name] for name in ("planned", "sent", "unsent", "unsentTurns")] == [24, 16, 8, 8]
    assert finished_earlier(tmp_path, "pod-a") is not None


async def test_an_answer_too_long_to_keep_ends_its_conversation(
    served: tuple[Server, Target], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elastometer_loadgen.wire.answer.MAX_TEXT_CHARACTERS", 7)
    await worker_of(profile(BURST | {"endRequestsPerSecond": "1"}), served[1], tmp_path).run()
    records, summary = written(tmp_path)
    add_up(summary, records)
    assert [summary[name] for name in ("planned", "sent", "unsentTurns")] == [3, 1, 2]
    assert "request 0: the answer is too long to be kept" in capsys.readouterr().err


async def test_single_requests_alongside_conversations_have_no_turn(
    served: tuple[Server, Target], tmp_path: Path
) -> None:
    given = profile(BURST | {"endRequestsPerSecond": "20"}, COUNT, tasks=[TALK, SINGLE])
    await worker_of(given, served[1], tmp_path).run()
    records, summary = written(tmp_path)
    add_up(summary, records)
    assert summary["unsent"] == 0
    talks = {record["conversation"] for record in records if record["task"] == "talk"}
    singles = [record for record in records if record["task"] == "single"]
    assert min(len(talks), len(singles)) > 5
    assert {record["turn"] for record in singles} == {record["conversation"] for record in singles} == {None}
    assert len(talks) + len(singles) == 26
    assert len(records) == 3 * len(talks) + len(singles)


async def test_a_stopped_worker_leaves_coming_turns_and_its_next_incarnation_skips_them(
    served: tuple[Server, Target], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """8 conversations of 3 turns: each is answered once, thinks for an hour, and is cut by the stop."""
    patient = profile(BURST, tasks=[TALK | {"thinkTimeSeconds": "3600"}])
    first = worker_of(patient, served[1], tmp_path, "pod-a")
    running = asyncio.ensure_future(first.run())
    while len(served[0].bodies) < 8:
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.05)
    first.stop()
    assert await running is ExitCode.NOT_CARRIED_OUT
    records, summary = written(tmp_path)
    add_up(summary, records)
    assert [summary[name] for name in ("planned", "sent", "skipped", "unsent", "unsentTurns")] == [24, 8, 0, 16, 0]
    assert finished_earlier(tmp_path, "pod-a") is None
    assert await worker_of(patient, served[1], tmp_path, "pod-a").run() is ExitCode.CARRIED_OUT
    records, summary = written(tmp_path)
    add_up(summary, records)
    assert [summary[name] for name in ("planned", "sent", "skipped", "unsent")] == [24, 8, 16, 0]
    assert "the restart cut 8 conversations" in capsys.readouterr().err


def test_the_turns_that_a_lost_one_left_unasked_are_known_after_a_restart(tmp_path: Path) -> None:
    """In the spool: conversation 0 whole, 1 lost in turn 2, 2 cut behind turn 1; of a user one cut behind turn 2."""
    asked = request_id(1, 3, 0)
    done = [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (2, 1), (asked, 1), (asked, 2)]
    spool = Spool(tmp_path, "a")
    for number, turn in done:
        outcome = "TimedOut" if (number, turn) == (1, 2) else "Success"
        line = {"id": turn_id(number, turn), "conversation": number, "turn": turn, "outcome": outcome}
        spool.append(orjson.dumps(line) + b"\n")
    found = Spool(tmp_path, "a").conversations
    assert found == {0: (3, True), 1: (2, False), 2: (1, True), asked: (2, True)}
    unfinished = unfinished_conversations(found, lambda number: 3)
    assert unfinished == UnfinishedConversations(cut=2, skipped_turns=2 + 1, unsent_turns=1)


async def test_a_user_finishes_its_conversation_before_it_starts_another(
    served: tuple[Server, Target], tmp_path: Path
) -> None:
    """Three users, of whom each may send 7 requests: two conversations of 3 turns, since a third would make 9."""
    users = {"name": "users", "type": "Users", "durationSeconds": 2, "users": 3, "maximumRequests": 21}
    await worker_of(profile(users), served[1], tmp_path).run()
    records, summary = written(tmp_path)
    add_up(summary, records)
    assert (summary["planned"], summary["unsent"]) == (18, 0)
    for user in range(3):
        asks = [request_id(0, user, number) for number in range(2)]
        wanted = [turn_id(ask, turn) for ask in asks for turn in (1, 2, 3)]
        mine = sorted((record for record in records if record["id"] in wanted), key=itemgetter("intendedTime"))
        assert [record["id"] for record in mine] == wanted
        assert all(before["endTime"] <= record["intendedTime"] for before, record in pairwise(mine))


async def test_a_knee_judges_a_step_by_all_turns_that_were_wanted_within_it(
    served: tuple[Server, Target], tmp_path: Path
) -> None:
    """The last turn of each conversation is refused: with first turns alone nothing would fail."""
    served[0].refused_length = 6
    knee = {"name": "knee", "type": "Knee", "of": "Rate", "start": 20, "step": 1, "stepSeconds": 1, "maximum": 20,
            "objectives": [{"indicator": "RequestSuccess", "minimumPercent": 90}]}
    await worker_of(profile(knee), served[1], tmp_path).run()
    records, summary = written(tmp_path)
    add_up(summary, records)
    ((step,),) = [knee["steps"] for knee in summary["knees"]]
    assert {record["turn"] for record in records} == {1, 2, 3}
    share = float(step["failed"].removeprefix("RequestSuccess must be at least 90 %, was ").removesuffix(" %"))
    assert 60 < share < 75


@pytest.mark.parametrize("workers", [1, 3])
async def test_any_number_of_workers_has_the_same_conversations(
    served: tuple[Server, Target], tmp_path: Path, workers: int
) -> None:
    given = profile(BURST, COUNT, tasks=[TALK, SINGLE])
    found = set()
    for worker in range(workers):
        out = tmp_path / str(worker)
        assignment = Assignment(profile=given, target=served[1], out=out, worker=worker, workers=workers)
        await Worker(assignment, Spool(out)).run()
        found |= {(record["id"], record["task"], record["turn"], record["fingerprint"]) for record in written(out)[0]}
    source = PromptSource(given)
    asks = [*range(8), *(request_id(1, 0, number) for number in range(6))]
    assert {number for number, *_ in found} == {
        turn_id(ask, turn) for ask in asks for turn in range(1, source.turns(ask) + 1)
    }
    assert len({number for number, *_ in found}) == len(found)
    assert {mark for _, _, turn, mark in found if turn in (None, 1)} == {
        source.prompt(ask).fingerprint for ask in asks
    }


def test_checks_of_the_shape_belong_to_the_last_answer_and_the_rest_to_all() -> None:
    """Of other tasks' answers an early turn may have any shape: nobody says what it is asked for."""
    checks = [{"type": "JSONSchema", "schema": {"type": "object"}}, {"type": "Truncation"}, {"type": "Crosstalk"},
              {"type": "Repetition", "maximumShare": "0.5"}]
    tasks = [{"name": "talk", "messages": [USER, OWN, USER], "checks": checks, "responseFormat": "JSONSchema"},
             {"name": "other", "prompt": "x", "weight": 1, "checks": [{"type": "JSON"}]}]
    source = PromptSource(profile(BURST, tasks=tasks))
    first = next(prompt for prompt in map(source.prompt, range(50)) if prompt.task == "talk")
    last = source.turn(turn_id(0, 2), first, "well")
    assert first.contract is not None
    assert last.contract is not None
    assert first.contract.crosstalk is not None
    assert {check.type for check in first.contract.checks} == {CheckType.TRUNCATION, CheckType.REPETITION}
    assert first.contract.crosstalk.others == ()
    assert {check.type for check in last.contract.checks} == {
        CheckType.TRUNCATION, CheckType.REPETITION, CheckType.JSON_SCHEMA,
    }
    assert "response_format" not in orjson.loads(first.body)
    assert orjson.loads(last.body)["response_format"]["type"] == "json_schema"


def test_what_is_planned_counts_turns() -> None:
    mixed = profile(BURST, COUNT, tasks=[TALK | {"weight": 3}, SINGLE], timeoutSeconds=10)
    assert float(mixed.requests_of(mixed.stages[0])) == 8 * (3 * 3 + 1) / 4
    assert mixed.requests_of(mixed.stages[1]) == 6 * 3
    assert isinstance(mixed.stages[1], CountStage)
    # Three turns of 10 s with two thoughts of 0.02 s between them, in whole seconds; two at a time.
    assert (mixed.max_conversation_seconds, mixed.stages[1].duration_seconds) == (31, 3 * 31)
    rate, count = overview(mixed, 1)["stages"]
    assert (rate["expectedRequests"], count["maximumRequests"], count["endSeconds"]) == (20.0, 18.0, 1 + 3 * 31)
    assert "≤18" in table(mixed, 1)


@pytest.mark.parametrize(
    ("messages", "rule"),
    [
        ([USER, OWN], "messages[1].generated must not be true in the last message"),
        ([OWN, USER], "messages[0].generated must directly follow a message of the role user"),
        ([USER, OWN, OWN, USER], "messages[2].generated must directly follow a message of the role user"),
        ([USER, OWN | {"content": "x"}, USER], "messages[1].content must be absent where generated is true"),
        ([USER, OWN | {"role": "user"}, USER], "messages[1].role must be assistant where generated is true"),
        ([USER, {"role": "assistant"}, USER], "messages[1].content must be given; it is absent"),
        ([USER, OWN | {"generated": "yes"}, USER], 'messages[1].generated must be true or false; got "yes"'),
        ([USER, OWN] * 64 + [USER], "messages must hold at most 63 generated answers; got 64"),
        ([USER], "thinkTimeSeconds must be absent where no message is generated"),
    ],
)
def test_a_conversation_that_cannot_be_carried_out_is_refused(messages: list[dict[str, Any]], rule: str) -> None:
    with pytest.raises(ProfileError) as refusal:
        profile(BURST, tasks=[{"name": "t", "messages": messages, "thinkTimeSeconds": "1"}])
    assert f"tasks[0].{rule}" in str(refusal.value)


def test_users_who_may_not_send_a_whole_conversation_are_refused() -> None:
    users = {"name": "c", "type": "Users", "durationSeconds": 5, "users": 40, "maximumRequests": 119}
    with pytest.raises(ProfileError) as refusal:
        profile(users)
    assert str(refusal.value) == (
        "stages[0].maximumRequests must let each of 40 users have a conversation of 3 turns, 120 requests; got 119"
    )
    profile(users | {"maximumRequests": 120})
    # Two users in the first step and four in the second: six shares of three turns.
    knee = {"name": "k", "type": "Knee", "of": "Users", "start": 2, "step": 2, "stepSeconds": 5, "maximum": 4,
            "soakSeconds": 0, "maximumRequests": 17}
    with pytest.raises(ProfileError) as refusal:
        profile(knee)
    assert str(refusal.value) == (
        "stages[0].maximumRequests must let each of 4 users have a conversation of 3 turns in each step, 18 requests; "
        "got 17"
    )
    profile(knee | {"maximumRequests": 18})
