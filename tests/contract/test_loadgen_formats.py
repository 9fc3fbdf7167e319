"""What the load generator writes is what docs/data.md says and what the operator reads."""

import random
import re
from dataclasses import fields
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from elastometer.analysis.requests.latency import load_row
from elastometer.model import times, units
from elastometer.model.request import RecordedRequest, request_from
from elastometer.world.live.tally import Tally
from elastometer_loadgen.base import record
from elastometer_loadgen.base.measures import time_per_output_token
from elastometer_loadgen.base.record import INSTANTS, KEYS, Outcome, Repeat, RequestRecord, format_record
from elastometer_loadgen.checks.check import CheckType, Failure
from elastometer_loadgen.profile.profile import parse_profile
from elastometer_loadgen.results.totals import Results
from elastometer_loadgen.stages.stage import StageType

FORMATS = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
# Every field with a value that no other field of its type has, so that reading one for another shows.
RECORD = RequestRecord(
    id=5, worker=1, stage="ramp", task="poem", intended=1_790_000_000_000_000, send=1_790_000_000_000_250,
    connect=1_790_000_000_010_000, first_byte=1_790_000_000_100_000, first_token=1_790_000_000_200_001,
    last_token=1_790_000_000_900_000, end=1_790_000_001_000_000, chunks=3, prompt_tokens=4, completion_tokens=21,
    finish_reason="stop", status=200, outcome=Outcome.TRUNCATED, error="gone", pod="p", address="10.0.0.1:8000",
    fingerprint="00ff", checks={"Label": None, "JSONSchema": "QuotedNumber:age"}, attempts=2,
    first_attempt={KEYS["outcome"]: Outcome.REFUSED.value}, conversation=77, turn=6, first_chunks=8,
    input_characters=33, group="short", requested_tokens=64, received=512,
    repeat=Repeat(0.25, 9, (0.0, 0.125, 0.5, 1.0)), output_characters=99,
)
# What only the load generator itself reads.
UNREAD = {"attempts", "conversation", "turn"}
# What records of earlier versions lack.
AFTER_CHECKS = {"first_chunks", "input_characters", "group", "requested_tokens", "received", "repeat",
                "output_characters"}
# Of the first attempt.
OF_FIRST_ATTEMPT = {"first_status", "first_error"}


def differences(line: bytes) -> set[str]:
    """The fields that the operator reads as something else than was recorded."""
    read = request_from(orjson.loads(line))
    if read is None:
        return set(KEYS)
    wanted: dict[str, object] = {
        **RECORD._asdict(), **{field: getattr(RECORD, field) * 1000 for field in INSTANTS},
        "first_attempt": Outcome.REFUSED, "first_status": None, "first_error": None,
    }
    return {field.name for field in fields(read) if getattr(read, field.name) != wanted[field.name]}


def pairs_of_one_type() -> list[tuple[str, str]]:
    """Every two fields that could be read for each other unnoticed, at least one of them by the operator."""
    kinds = {field: "instant" if field in INSTANTS else type(value) for field, value in RECORD._asdict().items()}
    kinds["outcome"] = str  # in the line it is a text like others
    return [
        (field, other)
        for field, other in combinations(KEYS, 2)
        if kinds[field] == kinds[other] and not {field, other} <= UNREAD
    ]


def test_a_record_has_exactly_the_documented_fields() -> None:
    table = FORMATS.split("## Request record")[1].split("A worker's summary")[0]
    names = {
        name
        for row in table.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert len(names) > 15
    assert set(orjson.loads(format_record(RECORD))) == names


def test_the_outcomes_are_the_documented_ones() -> None:
    row = next(row for row in FORMATS.splitlines() if row.startswith("| `outcome`"))
    assert set(re.findall(r"`([A-Z]\w+)`", row)) == {outcome.value for outcome in Outcome}


def test_the_operator_reads_every_field_as_it_was_written() -> None:
    assert {field.name for field in fields(RecordedRequest)} == (set(KEYS) - UNREAD) | OF_FIRST_ATTEMPT
    assert differences(format_record(RECORD)) == set()


def test_what_was_not_observed_is_read_as_not_observed() -> None:
    optional = {"connect", "first_byte", "first_token", "last_token", "prompt_tokens", "completion_tokens",
                "finish_reason", "status", "error", "pod", "address", "first_attempt", *AFTER_CHECKS}
    read = request_from(orjson.loads(format_record(RECORD._replace(checks=None, **dict.fromkeys(optional)))))
    assert read is not None
    assert {field.name for field in fields(read) if getattr(read, field.name) is None} == optional | OF_FIRST_ATTEMPT
    assert read.checks == {}


def test_a_record_of_an_earlier_version_is_read_as_it_was_written() -> None:
    """It called 429 a client error, and lacks what was recorded later."""
    line = orjson.loads(format_record(RECORD._replace(outcome=Outcome.CLIENT_ERROR, status=429)))
    for field in AFTER_CHECKS:
        del line[KEYS[field]]
    read, own = request_from(line), record.parse_record(orjson.dumps(line))
    assert read is not None
    assert (read.outcome, read.status) == (own.outcome, own.status) == (Outcome.CLIENT_ERROR, 429)
    assert [getattr(one, field) for one in (read, own) for field in AFTER_CHECKS] == [None] * 14


def test_the_values_of_the_record_differ_between_all_fields_of_one_type() -> None:
    instants, numbers, texts, objects = 21, 88, 36, 1
    assert len(pairs_of_one_type()) == instants + numbers + texts + objects
    assert all(getattr(RECORD, field) != getattr(RECORD, other) for field, other in pairs_of_one_type())


@pytest.mark.parametrize(("field", "other"), pairs_of_one_type())
def test_a_reader_with_two_crossed_keys_would_be_noticed(
    field: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    crossed = {**KEYS, field: KEYS[other], other: KEYS[field]}
    monkeypatch.setattr("elastometer.model.request.KEYS", crossed)
    assert differences(format_record(RECORD)) >= {field, other} - UNREAD


def test_the_live_tally_counts_by_the_fields_that_were_written() -> None:
    """Intended at 0 s, first token after 200.001 ms, over after 1 s."""
    tally = Tally()
    assert tally.add("0", format_record(RECORD) + format_record(RECORD._replace(outcome=Outcome.SUCCESS))) == 2
    assert (tally.sent, tally.succeeded, tally.ttft_p50_ms()) == (2, 1, pytest.approx(200.001))
    assert tally.last_intended == tally.stage_starts["ramp"] == datetime.fromtimestamp(1_790_000_000, UTC)
    late = RECORD._replace(intended=RECORD.intended + 11_000_000, end=RECORD.end + 10_000_001, first_token=None)
    tally.add("0", format_record(late))  # what was over 10 s before the newest end is out of the window
    assert tally.ttft_p50_ms() is None


@given(st.integers(0, 4_000_000_000_000_000))
def test_all_codecs_of_instants_read_and_write_the_same_text(microseconds: int) -> None:
    """The load generator's of microseconds, the operator's of nanoseconds and of datetimes."""
    text = record.format_instant(microseconds)
    assert units.parse_instant(text) == 1000 * microseconds
    assert units.format_instant(1000 * microseconds, 6) == text
    assert times.format_instant(times.parse_instant(text)) == text
    assert record.parse_instant(times.format_instant(times.parse_instant(text))) == microseconds
    assert times.format_seconds(times.parse_instant(text)) == f"{text[:19]}Z"


def random_records(seed: int, count: int) -> list[RequestRecord]:
    """Records of one stage as a load might leave them: some failed, some without usage or tokens."""
    draw = random.Random(seed)
    found = []
    for number in range(count):
        intended = RECORD.intended + draw.randrange(60_000_000)
        send = intended + draw.randrange(1, 5_000)
        first = send + draw.randrange(1, 3_000_000) if draw.random() > 0.1 else None
        last = None if first is None else first + draw.randrange(9_000_000)
        found.append(RECORD._replace(
            id=number, intended=intended, send=send, first_token=first, last_token=last,
            end=(last or send) + draw.randrange(1, 9_000), chunks=draw.randrange(40),
            completion_tokens=draw.choice((None, 1, 2, 3, 7, 13, 48)), first_chunks=draw.choice((None, 1, 2, 9)),
            outcome=Outcome.SUCCESS if first is not None and draw.random() > 0.1 else Outcome.STALLED,
        ))
    return found


MEASURED = {
    "timeToFirstToken": "time_to_first_token", "timePerOutputToken": "time_per_output_token", "latency": "latency",
    "latencyFromSend": "latency_from_send",
}
QUANTILES = {
    "count": "count", "p50Milliseconds": "p50", "p95Milliseconds": "p95", "p99Milliseconds": "p99",
    "maximumMilliseconds": "maximum",
}


@pytest.mark.parametrize("count", [1, 7, 100, 999])
def test_load_generator_and_operator_give_the_same_numbers_on_the_same_records(count: int) -> None:
    """Milliseconds, there to the microsecond and here to a tenth: they differ by the rounding alone."""
    records = random_records(count, count)
    results = Results()
    for entry in records:
        results.add(entry)
    row = results.document(RECORD.intended)["total"]
    read = [request_from(orjson.loads(format_record(entry))) for entry in records]
    judged = load_row("total", [entry for entry in read if entry is not None])
    assert (row["requests"], row["outcomes"]) == (judged.count, judged.outcomes) == (count, judged.outcomes)
    for name, attribute in MEASURED.items():
        spread = getattr(judged, attribute)
        for key, field in QUANTILES.items():
            theirs, ours = row[name][key], getattr(spread, field)
            assert (ours is None) == (theirs is None)
            assert ours is None or ours == pytest.approx(theirs, abs=0.0506)


@given(st.integers(2, 500), st.integers(1, 10**10))
def test_the_mean_gap_between_tokens_is_one_number_on_both_sides(tokens: int, microseconds: int) -> None:
    """Not rounded to whole nanoseconds on one side and to nothing on the other."""
    entry = RECORD._replace(
        outcome=Outcome.SUCCESS,
        first_token=RECORD.send,
        chunks=tokens,
        first_chunks=1,
        completion_tokens=tokens,
        last_token=RECORD.send + microseconds,
    )
    read = request_from(orjson.loads(format_record(entry)))
    assert read is not None
    ours, theirs = time_per_output_token(read), time_per_output_token(entry)
    assert ours is not None
    assert ours / 1000 == pytest.approx(theirs, rel=1e-15, abs=0)


def test_the_profiles_in_the_readme_can_be_run() -> None:
    readme = (Path(__file__).parents[2] / "loadgen" / "README.md").read_text()
    profiles = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)]
    assert len(profiles) > 1
    stage = {"name": "s", "type": "Rate", "durationSeconds": 5, "endRequestsPerSecond": "1"}
    for profile in profiles:
        parse_profile({"stages": [stage], **profile})


def test_the_profiles_in_the_page_about_load_can_be_run() -> None:
    page = (Path(__file__).parents[2] / "docs" / "load.md").read_text()
    profiles = [parse_profile(yaml.safe_load(block)) for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    assert {stage.type for profile in profiles for stage in profile.stages} == set(StageType)


def test_every_failure_of_a_check_is_documented() -> None:
    text = FORMATS.split("Failures: ")[1].split("Of several")[0]
    assert set(re.findall(r"`([A-Z]\w+)`", text)) == {word.value for word in (*CheckType, *Failure)}
