"""What the load generator writes is what docs/data.md says and what the operator reads."""

import re
from pathlib import Path

import orjson
import yaml

from elastometer.model.request import request_from
from elastometer_loadgen.base.record import Outcome, RequestRecord, format_record
from elastometer_loadgen.checks.check import CheckType, Failure
from elastometer_loadgen.profile.profile import parse_profile
from elastometer_loadgen.profile.stages import StageType, type_of

FORMATS = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
RECORD = RequestRecord(
    id=5, worker=1, stage="ramp", task="poem", intended=1_790_000_000_000_000, send=1_790_000_000_000_250,
    connect=None, first_byte=1_790_000_000_100_000, first_token=1_790_000_000_200_001, last_token=None,
    end=1_790_000_001_000_000, chunks=3, prompt_tokens=4, completion_tokens=None, finish_reason="stop", status=200,
    outcome=Outcome.TRUNCATED, error="gone", pod="p", address="10.0.0.1:8000", fingerprint="00ff",
    checks={"Label": None, "JSONSchema": "QuotedNumber:age"},
)  # fmt: skip


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


def test_the_operator_reads_what_was_written() -> None:
    read = request_from(orjson.loads(format_record(RECORD)))
    assert read is not None
    assert (read.id, read.worker, read.stage, read.task, read.chunks) == (5, 1, "ramp", "poem", 3)
    assert read.outcome.value == "Truncated"
    assert read.connected is None
    assert read.first_token is not None
    assert read.sent is not None


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
    assert {type_of(stage) for profile in profiles for stage in profile.stages} == set(StageType)


def test_every_failure_of_a_check_is_documented() -> None:
    text = FORMATS.split("Failures: ")[1].split("Of several")[0]
    assert set(re.findall(r"`([A-Z]\w+)`", text)) == {word.value for word in (*CheckType, *Failure)}
