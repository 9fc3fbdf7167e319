"""The troubles of the stand-in as clients, probes and scrapes meet them."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator

import pytest

from elastometer_standin.server import WATCHDOG_SECONDS
from elastometer_standin.settings import Hardware, MemoryPlan, Pace
from elastometer_standin.shutdown import give_up
from elastometer_standin.troubles.faults import parse_conditions
from elastometer_standin.troubles.memory import KIB
from elastometer_standin.troubles.pauses import Pauses
from support.standin_wire import Lab, chat, events, lab_with, message, parsed

LONG = {"stream": True, "max_tokens": 300, "ignore_eos": True}


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    made = await lab_with()
    yield made
    made.listener.close()


async def get(lab: Lab, path: str) -> tuple[int, str]:
    status, _, body = parsed(await lab.raw(f"GET {path} HTTP/1.1\r\nconnection: close\r\n\r\n".encode()))
    return status, body


async def sample(lab: Lab, name: str) -> float:
    """The one sample of this family."""
    found = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", (await get(lab, "/metrics"))[1], re.MULTILINE)
    assert len(found) == 1
    return float(found[0])


async def under_way(lab: Lab, count: int) -> None:
    async with asyncio.timeout(5):
        while lab.server.engine.unfinished != count:
            await asyncio.sleep(0.01)


async def test_memory_runs_out_from_the_third_stream_on_and_the_engine_lives(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.server.configure({"rates": {"oom": 1}, "when": {"oom": "streams>=3"}})
    streams = []
    for count in (1, 2):
        streams.append(asyncio.create_task(lab.post("/v1/chat/completions", chat(**LONG))))
        await under_way(lab, count)
    status, head, body = await lab.post("/v1/chat/completions", chat(stream=True), headers="x-request-id: r3\r\n")
    assert status == 500
    assert "x-request-id: r3" in head
    error = json.loads(body)["error"]
    assert error["type"] == "InternalServerError"
    assert error["message"].startswith("CUDA out of memory. Tried to allocate ")
    log = capsys.readouterr().out
    assert "request r3: injected oom (1 so far)" in log
    assert re.search(r"^ERROR .*torch.OutOfMemoryError: CUDA out of memory\.", log, re.MULTILINE)
    for task in streams:
        assert (await task)[2].endswith("[DONE]\n\n")
    assert await sample(lab, "standin_injected_total") == 1.0
    assert 'http_requests_total{handler="/v1/chat/completions",method="POST",status="5xx"} 1.0' in (
        await get(lab, "/metrics"))[1]


async def test_memory_runs_out_only_after_the_time_of_the_prefill() -> None:
    lab = await lab_with(pace=Pace(prefill_tokens_per_second=1000, prefill_overhead_ms=0))
    lab.server.configure({"rates": {"oom": 1}})
    started = time.monotonic()
    assert (await lab.post("/v1/chat/completions", chat("x" * 800)))[0] == 500
    assert 0.2 <= time.monotonic() - started < 1.0


async def test_a_dead_engine_fails_every_reply_and_ends_the_process_at_the_next_request(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = asyncio.Event()
    lab.server.on_death = ended.set
    streamed = asyncio.create_task(lab.post("/v1/chat/completions", chat(**LONG)))
    whole = asyncio.create_task(lab.post("/v1/chat/completions", chat(max_tokens=900, ignore_eos=True)))
    await under_way(lab, 2)
    lab.server.configure({"rates": {"engine-dead": 1}})
    assert (await lab.post("/v1/chat/completions", chat()))[0] == 500
    assert (await whole)[0] == 500
    status, _, body = await streamed
    *_, error, done = events(body)
    assert (status, done) == (200, "[DONE]")
    assert error["error"]["message"].startswith("EngineCore encountered an issue.")
    assert (await get(lab, "/health"))[0] == 503
    assert not ended.is_set()
    assert (await lab.post("/v1/chat/completions", chat()))[0] == 500
    assert ended.is_set()
    await asyncio.wait_for(give_up(lab.server, lab.listener), 2)
    log = capsys.readouterr().out
    for words in ("injected engine-dead (1 so far)", "EngineCore encountered a fatal error.", "torch.OutOfMemoryError",
                  "EngineDeadError", "Finished server process"):
        assert log.count(words) == 1


async def test_a_dead_engine_that_nobody_asks_ends_the_process_when_the_watchdog_looks(lab: Lab) -> None:
    lab.server.configure({"rates": {"engine-dead": 1}})
    loop, later = asyncio.get_running_loop(), []
    lab.server.loop = type("Loop", (), {"call_later": lambda _, seconds, call: later.append((seconds, call))})()
    lab.server.die()
    lab.server.loop = loop
    ended = asyncio.Event()
    lab.server.on_death = ended.set
    ((seconds, call),) = later
    call()
    assert (seconds, ended.is_set()) == (WATCHDOG_SECONDS, True)


async def test_a_delayed_request_waits_apart_and_holds_up_no_other() -> None:
    lab = await lab_with(delay_seconds=0.4)
    lab.server.configure({"rates": {"delay": 1}, "when": {"delay": "prompt-characters>60"}})
    started = time.monotonic()
    late = asyncio.create_task(lab.post("/v1/chat/completions", chat("x" * 61, stream=True)))
    await under_way(lab, 1)
    assert await sample(lab, "vllm:num_requests_waiting") == 1.0
    assert lab.counted("vllm:num_requests_waiting_by_reason", "reason", "deferred") == 1.0
    assert (await lab.post("/v1/chat/completions", chat("x" * 60)))[0] == 200
    assert time.monotonic() - started < 0.4
    assert (await late)[2].endswith("[DONE]\n\n")
    assert time.monotonic() - started >= 0.4
    assert lab.counted("vllm:request_success", "finished_reason", "length") == 2


async def test_a_client_that_leaves_a_delayed_request_counts_as_abort_and_gets_no_token() -> None:
    lab = await lab_with(delay_seconds=0.1)
    lab.server.configure({"rates": {"delay": 1}})
    _, writer = await lab.connect()
    writer.write(message("/v1/chat/completions", chat(stream=True)))
    await under_way(lab, 1)
    writer.transport.abort()
    await under_way(lab, 0)
    await asyncio.sleep(0.15)
    assert lab.counted("vllm:request_success", "finished_reason", "abort") == 1
    assert lab.counted("vllm:generation_tokens") == 0


async def test_the_memory_of_streams_is_shown_while_they_run_and_returns_after_them() -> None:
    plan = MemoryPlan(base_mebibytes=1, kibibytes_per_stream=512, leak_kibibytes_per_request=4)
    lab = await lab_with(hardware=Hardware(memory=plan))
    assert await sample(lab, "standin_memory_allocated_bytes") == 1024 * KIB
    streams = [asyncio.create_task(lab.post("/v1/chat/completions", chat(**LONG))) for _ in range(3)]
    await under_way(lab, 3)
    assert await sample(lab, "standin_memory_allocated_bytes") == (1024 + 3 * 512 + 3 * 4) * KIB
    for task in streams:
        task.cancel()
    await under_way(lab, 0)
    assert await sample(lab, "standin_memory_allocated_bytes") == (1024 + 3 * 4) * KIB


async def seconds_of(lab: Lab, tokens: int) -> float:
    started = time.monotonic()
    assert (await lab.post("/v1/completions", {"prompt": "x", "max_tokens": tokens, "ignore_eos": True}))[0] == 200
    return time.monotonic() - started


async def test_four_api_servers_on_two_cores_take_twice_as_long_per_step_and_say_so(
    capsys: pytest.CaptureFixture[str]
) -> None:
    pace = Pace(prefill_tokens_per_second=1e6, prefill_overhead_ms=0, decode_ms_per_token=20)
    lab = await lab_with(pace=pace, hardware=Hardware(api_servers=4, cores=2))
    assert await seconds_of(lab, 11) >= 0.4
    assert re.search(r"^WARNING .* 4 API servers share 2 cores", capsys.readouterr().out, re.MULTILINE)


async def test_a_pause_stops_every_token_and_is_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    pace = Pace(prefill_tokens_per_second=1e6, prefill_overhead_ms=0, decode_ms_per_token=10)
    lab = await lab_with(pace=pace, hardware=Hardware(pauses=Pauses(seconds=0.4, every_seconds=5.0)))
    lab.server._ready = time.monotonic() - 4.9  # the first pause begins in 0.1 s
    assert await seconds_of(lab, 31) >= 0.7
    assert capsys.readouterr().out.count("engine: injected pause (1 so far)") == 1
    assert await sample(lab, "standin_injected_total") == 1.0


async def test_conditions_are_shown_and_an_empty_one_takes_a_condition_away() -> None:
    lab = await lab_with(conditions=parse_conditions({"oom": "streams>=60"}))
    assert lab.server.config_view()["when"] == {"oom": "streams>=60"}
    assert (await lab.post("/standin/config", {"when": {"cut": "turn>1", "oom": ""}}))[0] == 200
    assert lab.server.config_view()["when"] == {"cut": "turn>1"}
    status, _, body = await lab.post("/standin/config", {"when": {"cut": "turns>1"}})
    assert (status, "condition of fault 'cut'" in body) == (400, True)
    assert lab.server.config_view()["when"] == {"cut": "turn>1"}


async def test_without_its_flags_metrics_are_vllms_alone(lab: Lab) -> None:
    page = (await get(lab, "/metrics"))[1]
    assert "standin_" not in page
    assert "DCGM" not in page


async def test_a_gpu_is_shown_beside_vllms_metrics() -> None:
    lab = await lab_with(hardware=Hardware(gpu_memory_gibibytes=24))
    assert await sample(lab, "DCGM_FI_DEV_FB_USED") == 22610.0
    assert await sample(lab, "DCGM_FI_DEV_GPU_UTIL") == 0.0
    stream = asyncio.create_task(lab.post("/v1/chat/completions", chat(**LONG)))
    await under_way(lab, 1)
    assert await sample(lab, "DCGM_FI_DEV_GPU_UTIL") == 100.0
    stream.cancel()
