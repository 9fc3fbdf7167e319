"""The load generator against a real vLLM: its records, vLLM's own counters and a second reader of the bytes agree."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from prometheus_client.parser import text_string_to_metric_families

from elastometer.analysis.starts.enginelog import engine_marks
from elastometer.model.observation import LogSeen
from elastometer_loadgen.worker.process import ExitCode
from elastometer_standin.catalog import Catalog
from elastometer_standin.engine import Engine
from elastometer_standin.settings import EngineLimits, Pace, Settings
from support.relay import Relay

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KEY = "key-of-the-test"
RATE, CONCURRENCY, SWEEP = 40, 30, 9
# One Sweep holds 64, 512 and 1500 words of one token each; what is beyond them is the chat template's.
LENGTHS = (64, 512, 1500)
PROFILE = {
    "seed": 7,
    # No model is named: the server has one.
    "latenessBoundMilliseconds": 60_000,
    "tasks": [
        {
            "name": "short",
            "messages": [{"role": "user", "content": "Say {{ word }}."}],
            "dataset": {"inline": [{"word": "one"}, {"word": "two"}]},
            "maximumTokens": {"minimum": 8, "maximum": 40},
            "sampling": {"temperature": "0.8"},
        }
    ],
    "stages": [
        {"name": "rate", "type": "Rate", "durationSeconds": 10, "endRequestsPerSecond": "4", "arrivals": "Constant"},
        {"name": "four", "type": "Concurrency", "concurrency": 4, "requests": CONCURRENCY},
        {"name": "lengths", "type": "Sweep", "inputTokens": list(LENGTHS), "outputTokens": 32, "requestsEach": 3},
    ],
}
SCHEMA = {
    "type": "object",
    "required": ["mood", "sure", "marks"],
    "additionalProperties": False,
    "properties": {
        "mood": {"enum": ["happy", "sad"]},
        "sure": {"type": "boolean"},
        "marks": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1, "maxItems": 3},
    },
}
# Means, on one clock, with all of them on two cores. The relay's reads lie within ours, and vLLM's span within its:
# vLLM begins to count when it has read and parsed a request, and ends before it writes the answer.
RELAY_SECONDS, WAY_SECONDS, RESOLUTION_SECONDS = 0.100, 0.200, 0.001


@dataclass(frozen=True)
class ServedRun:
    """What the load generator wrote, what was on the wire, and by how much vLLM's counters rose meanwhile."""

    records: list[dict[str, Any]]
    heard: dict[int, Any]
    counted: Counter[str]

    def of(self, stage: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["stage"] == stage]


def two_at_a_time(requests: int) -> list[dict[str, Any]]:
    return [{"name": "two", "type": "Concurrency", "concurrency": 2, "requests": requests}]


def load(profile: dict[str, Any], url: str, out: Path, key: str | None = KEY, code: int = 0) -> list[dict[str, Any]]:
    """The records of a run of `elastometer-load`; JSON is YAML."""
    out.mkdir()
    (out / "profile.yaml").write_text(json.dumps(profile))
    command = [sys.executable, "-m", "elastometer_loadgen", "run", str(out / "profile.yaml"), f"--target={url}"]
    environment = {name: value for name, value in os.environ.items() if name != "ELASTOMETER_API_KEY"}
    environment |= {"ELASTOMETER_API_KEY": key} if key else {}
    command.append(f"--out={out / 'run'}")
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert run.returncode == code, run.stderr[-2000:]
    packed = (out / "run/requests.jsonl.zst").read_bytes()
    return [json.loads(line) for line in zstandard.ZstdDecompressor().stream_reader(packed).read().splitlines()]


def serve_load(server: Any, profile: dict[str, Any], out: Path) -> ServedRun:
    """A run through the relay, and what vLLM counted of it."""
    before = server.counters()
    with Relay(server.port) as relay:
        records = load(profile, relay.url, out)
        heard = relay.heard()
    name, until = "vllm:e2e_request_latency_seconds_count", time.monotonic() + 10
    # vLLM counts a request right after its last bytes have left.
    while (after := server.counters())[name] < before[name] + len(records) and time.monotonic() < until:
        time.sleep(0.1)
    after.subtract(before)
    return ServedRun(records, heard, after)


def seconds(record: dict[str, Any], later: str, earlier: str) -> float:
    return (datetime.fromisoformat(record[later]) - datetime.fromisoformat(record[earlier])).total_seconds()


def seen_alike(ran: ServedRun) -> None:
    """Record by record: the chunks, tokens and words of the end that a second reader found in the same bytes."""
    assert ran.heard.keys() == {record["id"] for record in ran.records}
    for record in ran.records:
        heard = ran.heard[record["id"]]
        usage = (heard.usage["prompt_tokens"], heard.usage["completion_tokens"])
        assert (record["chunks"], record["finishReason"]) == (heard.chunks, heard.finish_reason)
        assert (record["promptTokens"], record["completionTokens"]) == usage
        assert heard.done
        assert heard.chunks <= heard.usage["completion_tokens"]


@pytest.fixture(scope="module")
def server(
    serve: Callable[..., AbstractContextManager[Any]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    log = tmp_path_factory.mktemp("vllm") / "log"
    # Random weights love white space, and would fill their whole answer with it.
    compact = '--structured-outputs-config={"backend":"xgrammar","disable_any_whitespace":true}'
    with serve(log, f"--api-key={KEY}", compact) as running:
        yield running


@pytest.fixture(scope="module")
def ran(server: Any, tmp_path_factory: pytest.TempPathFactory) -> ServedRun:
    return serve_load(server, PROFILE, tmp_path_factory.mktemp("load") / "main")


def test_the_phases_of_its_start_up_are_found_in_its_log(server: Any) -> None:
    lines = server.log.read_text(errors="replace").splitlines()
    marks = engine_marks([LogSeen(0, "p", "server", number, line) for number, line in enumerate(lines)])
    # Eager and on a CPU, it compiles nothing and captures no graph.
    assert list(dict.fromkeys(mark.milestone for mark in marks)) == [
        "firstLine", "argumentsParsed", "modelResolved", "configured", "workerStarted", "distributed", "loadStarted",
        "modelBuilt", "weightsLoaded", "engineBegun", "profiled", "cacheSized", "engineReady", "routesReady", "httpUp"]


def test_every_request_of_a_rate_a_concurrency_and_a_sweep_succeeds(ran: ServedRun) -> None:
    assert Counter(record["outcome"] for record in ran.records) == {"Success": RATE + CONCURRENCY + SWEEP}
    sizes = {stage: len(ran.of(stage)) for stage in ("rate", "four", "lengths")}
    assert sizes == {"rate": RATE, "four": CONCURRENCY, "lengths": SWEEP}


def test_the_tokens_and_finish_reasons_are_those_that_vllm_counted(ran: ServedRun) -> None:
    assert sum(record["promptTokens"] for record in ran.records) == ran.counted["vllm:prompt_tokens_total"] > 0
    assert sum(record["completionTokens"] for record in ran.records) == ran.counted["vllm:generation_tokens_total"]
    reasons = Counter(record["finishReason"] for record in ran.records)
    counted = {reason: ran.counted[reason] for reason in ("stop", "length", "abort", "error", "repetition")}
    assert {reason: count for reason, count in counted.items() if count} == reasons


def test_a_second_reader_of_the_same_bytes_sees_the_same_chunks_tokens_and_ends(ran: ServedRun) -> None:
    seen_alike(ran)


def test_a_sweep_asks_for_the_lengths_that_it_names_and_gets_them(ran: ServedRun) -> None:
    asked = ran.of("lengths")
    assert {(record["completionTokens"], record["finishReason"]) for record in asked} == {(32, "length")}
    beyond = {record["promptTokens"] - int(record["task"].removeprefix("sweep-")) for record in asked}
    assert Counter(record["task"] for record in asked) == {f"sweep-{length}": 3 for length in LENGTHS}
    assert len(beyond) == 1


def test_the_time_to_first_token_is_that_on_the_wire_and_vllms_own_plus_the_network(ran: ServedRun) -> None:
    ours = statistics.fmean(seconds(record, "firstTokenTime", "sendTime") for record in ran.records)
    wire = statistics.fmean(ran.heard[record["id"]].seconds_to_first_text for record in ran.records)
    count = ran.counted["vllm:time_to_first_token_seconds_count"]
    its = ran.counted["vllm:time_to_first_token_seconds_sum"] / count
    print(f"\nTTFT: {ours * 1e3:.2f} ms here, {wire * 1e3:.2f} on the wire, {its * 1e3:.2f} by vLLM")
    assert count == len(ran.records)
    assert 0 <= ours - wire <= RELAY_SECONDS
    assert -RESOLUTION_SECONDS <= ours - its <= WAY_SECONDS


def test_completions_are_read_as_chats_are(server: Any, tmp_path: Path) -> None:
    asked = {"endpoint": "Completions", "tasks": [{"name": "t", "prompt": "The"}], "stages": two_at_a_time(10)}
    ran = serve_load(server, {**PROFILE, **asked}, tmp_path / "c")
    assert Counter(record["outcome"] for record in ran.records) == {"Success": 10}
    seen_alike(ran)
    assert sum(record["completionTokens"] for record in ran.records) == ran.counted["vllm:generation_tokens_total"]


def test_answers_that_vllm_holds_to_a_schema_pass_its_check(server: Any, tmp_path: Path) -> None:
    task = {**PROFILE["tasks"][0], "responseFormat": "JSONSchema", "maximumTokens": 300}  # type: ignore[index]
    task["checks"] = [{"type": "JSONSchema", "schema": SCHEMA}, {"type": "Truncation"}]
    ran = serve_load(server, {**PROFILE, "tasks": [task], "stages": two_at_a_time(8)}, tmp_path / "j")
    assert [record["checks"] for record in ran.records] == 8 * [{"JSONSchema": None, "Truncation": None}]
    seen_alike(ran)
    for heard in ran.heard.values():
        assert set(json.loads(heard.text)) == {"mood", "sure", "marks"}


def test_without_the_key_every_request_is_a_client_error(server: Any, tmp_path: Path) -> None:
    profile = {**PROFILE, "stages": two_at_a_time(4)}
    records = load(profile, server.url, tmp_path / "k", key=None, code=ExitCode.REJECTED)
    assert Counter((record["outcome"], record["status"]) for record in records) == {("ClientError", 401): 4}


def test_the_metric_families_of_the_stand_in_are_vllms(server: Any) -> None:
    settings = Settings(model="m", limits=EngineLimits(max_model_len=4096))
    catalog = Catalog(settings, 0.0)
    ours = families(catalog.render(Engine(settings.limits, Pace(), catalog)).decode())
    its = families(server.page())
    assert ours
    # The stand-in counts HTTP requests and has no more of what FastAPI's instrumentation and Python serve_load.
    assert {name for name in its.keys() - ours.keys() if not name.startswith(("http_", "python_"))} == set()
    differing = {name for name, family in ours.items() if its.get(name) != family}
    assert differing - {"http_requests", "http_requests_created"} == {"vllm:cache_config_info"}


def families(page: str) -> dict[str, tuple[str, str, set[str], list[str]]]:
    """Kind, help text, labels and buckets by name."""
    found = {}
    for family in text_string_to_metric_families(page):
        labels = {name for sample in family.samples for name in sample.labels} - {"le"}
        bounds = list(dict.fromkeys(sample.labels["le"] for sample in family.samples if "le" in sample.labels))
        found[family.name] = (family.type, family.documentation, labels, bounds)
    return found
