"""What a client of the stand-in sees on its socket, byte for byte where vLLM's form matters."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from elastometer_standin.settings import DrainRejection, EngineLimits, Pace
from elastometer_standin.shutdown import shut_down
from support.standin_wire import Lab, chat, events, lab_with, message, parsed


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    made = await lab_with()
    yield made
    made.listener.close()


async def test_a_chat_stream_is_role_then_tokens_then_usage_then_done(lab: Lab) -> None:
    status, head, body = await lab.post(
        "/v1/chat/completions", chat("say [REQ-7]", stream=True, stream_options={"include_usage": True})
    )
    seen = events(body)
    assert status == 200
    assert "content-type: text/event-stream; charset=utf-8" in head
    assert "x-elastometer-pod: pod-a" in head
    assert seen[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    texts = [event["choices"][0]["delta"]["content"] for event in seen[1:-2]]
    assert texts[0] == "[REQ-7]"
    assert len(texts) == 4
    assert [event["choices"][0]["finish_reason"] for event in seen[1:-2]] == [None, None, None, "length"]
    assert seen[-2]["choices"] == []
    assert seen[-2]["usage"]["completion_tokens"] == 4
    assert seen[-1] == "[DONE]"
    assert len({event["id"] for event in seen[:-1]}) == 1


# As vLLM 0.32 wrote them, in this order; `|` parts the keys of an event from those of its choice.
CHAT_EVENT = "id object created model choices"
LAST_EVENT = f"{CHAT_EVENT} usage system_fingerprint"


async def test_events_have_vllms_keys_in_vllms_order(lab: Lab) -> None:
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    _, _, chatted = await lab.post("/v1/chat/completions", chat(**asked))
    _, _, completed = await lab.post("/v1/completions", {"model": "m", "prompt": "x", "max_tokens": 2, **asked})
    assert [keys(event) for event in events(chatted)[:-1]] == [
        f"{CHAT_EVENT} prompt_token_ids prompt_text|index delta logprobs finish_reason",
        *3 * [f"{CHAT_EVENT}|index delta logprobs finish_reason token_ids"],
        f"{CHAT_EVENT}|index delta logprobs finish_reason stop_reason token_ids",
        f"{LAST_EVENT}|",
    ]
    choice = "index text logprobs finish_reason stop_reason prompt_token_ids token_ids"
    assert [keys(event) for event in events(completed)[:-1]] == [*2 * [f"{CHAT_EVENT}|{choice}"], f"{LAST_EVENT}|"]


def keys(event: dict[str, Any]) -> str:
    choices = event["choices"]
    return f"{' '.join(event)}|{' '.join(choices[0]) if choices else ''}"


async def test_whole_answers_have_vllms_keys_in_vllms_order(lab: Lab) -> None:
    _, _, chatted = await lab.post("/v1/chat/completions", chat())
    _, _, completed = await lab.post("/v1/completions", {"model": "m", "prompt": "x", "max_tokens": 2})
    head, tail = f"{CHAT_EVENT} service_tier system_fingerprint usage", "kv_transfer_params ec_transfer_params metrics"
    assert keys(json.loads(chatted)) == (
        f"{head} prompt_logprobs prompt_token_ids prompt_text {tail}"
        "|index message logprobs finish_reason stop_reason token_ids routed_experts"
    )
    assert keys(json.loads(completed)) == (
        f"{head} {tail}"
        "|index text logprobs finish_reason stop_reason token_ids prompt_logprobs prompt_token_ids routed_experts"
    )
    assert list(json.loads(chatted)["choices"][0]["message"]) == [
        "role", "content", "refusal", "annotations", "audio", "function_call", "reasoning",
    ]


async def test_more_tokens_than_the_context_has_room_for_are_cut_to_that_room() -> None:
    lab = await lab_with(limits=EngineLimits(max_model_len=64))
    asked = {"model": "m", "prompt": "x" * 40, "max_tokens": 60, "ignore_eos": True}
    status, _, body = await lab.post("/v1/completions", asked)
    assert (status, json.loads(body)["usage"]["completion_tokens"]) == (200, 54)
    assert json.loads(body)["choices"][0]["finish_reason"] == "length"


async def test_streamed_and_whole_answers_are_the_same_text(lab: Lab) -> None:
    _, _, body = await lab.post("/v1/completions", {"model": "m", "prompt": "x", "max_tokens": 30, "stream": True})
    streamed = "".join(event["choices"][0]["text"] for event in events(body)[:-1])
    _, _, whole = await lab.post("/v1/completions", {"model": "m", "prompt": "x", "max_tokens": 30})
    assert json.loads(whole)["choices"][0]["text"] == streamed
    assert json.loads(whole)["usage"] == {
        "prompt_tokens": 1,
        "completion_tokens": 30,
        "total_tokens": 31,
        "prompt_tokens_details": None,
        "completion_tokens_details": None,
    }


async def test_an_answer_that_ends_by_itself_says_stop(lab: Lab) -> None:
    _, _, body = await lab.post("/v1/chat/completions", chat(max_tokens=1000, stream=True))
    assert events(body)[-2]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"{", 400, "JSON decode error"),
        (b"[]", 400, "must be a JSON object"),
        (chat(model="other"), 404, "The model `other` does not exist. Valid aliases: m."),
        ({"model": "m"}, 400, "messages must be"),
        (chat(max_tokens=0), 400, "max_tokens must be at least 1, got 0"),
        (chat("x" * 200_000), 400, "maximum context length is 32768"),
        (chat(max_tokens=40_000), 400, "max_tokens=40000 cannot be greater than max_model_len=32768. "),
        (chat(n=2), 400, "n must be 1"),
        (chat(stream="yes"), 400, "stream must be of type bool"),
    ],
)
async def test_a_bad_request_is_refused_in_vllms_error_form(lab: Lab, data: Any, status: int, words: str) -> None:
    got, _, body = await lab.post("/v1/chat/completions", data)
    error = json.loads(body)["error"]
    assert (got, error["code"]) == (status, status)
    assert words in error["message"]
    assert error["type"] == ("NotFoundError" if status == 404 else "BadRequestError")


async def test_the_small_endpoints_answer(lab: Lab) -> None:
    for path, words in [
        ("/health", ""), ("/ping", ""), ("/version", "0.33.0"), ("/load", "server_load"),
        ("/v1/models", '"max_model_len":32768'), ("/metrics", "vllm:num_requests_running"),
    ]:
        status, _, body = parsed(await lab.raw(f"GET {path} HTTP/1.1\r\nconnection: close\r\n\r\n".encode()))
        assert status == 200
        assert words in body
    assert parsed(await lab.raw(b"GET /nowhere HTTP/1.1\r\nconnection: close\r\n\r\n"))[0] == 404
    assert parsed(await lab.raw(b"GET /v1/completions HTTP/1.1\r\nconnection: close\r\n\r\n"))[0] == 405


async def test_a_client_that_leaves_frees_its_place_and_counts_as_abort(lab: Lab) -> None:
    reader, writer = await lab.connect()
    writer.write(message("/v1/chat/completions", chat(stream=True, max_tokens=5000, ignore_eos=True)))
    await reader.readuntil(b"content")
    assert len(lab.server.engine.running) == 1
    writer.transport.abort()
    for _ in range(100):
        await asyncio.sleep(0.01)
        if not lab.server.engine.unfinished:
            break
    assert lab.server.engine.kv_usage == 0.0
    assert lab.counted("vllm:request_success", "finished_reason", "abort") == 1


async def test_pipelined_requests_are_answered_in_order_on_one_connection(lab: Lab) -> None:
    first = message("/v1/completions", {"model": "m", "prompt": "x", "max_tokens": 5})
    answer = await lab.raw(first + b"GET /version HTTP/1.1\r\nconnection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.index(b"text_completion") < answer.index(b"0.33.0")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00 no HTTP at all\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nx: " + b"a" * 70_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"x: " + b"a" * 70_000, b"431"),
        (b"POST /v1/completions HTTP/1.1\r\ncontent-length: -5\r\n\r\n", b"400"),
    ],
)
async def test_what_is_not_http_or_too_big_is_refused_and_the_server_goes_on(
    lab: Lab, data: bytes, status: bytes
) -> None:
    answer = await lab.raw(data)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert (await lab.post("/v1/chat/completions", chat()))[0] == 200


async def test_an_http_1_0_client_gets_an_unchunked_stream_ended_by_the_close(lab: Lab) -> None:
    data = message("/v1/chat/completions", chat(stream=True)).replace(b"HTTP/1.1", b"HTTP/1.0")
    answer = await lab.raw(data)
    assert b"transfer-encoding" not in answer
    assert answer.endswith(b"data: [DONE]\n\n")


async def test_a_reader_that_stops_reading_neither_blocks_others_nor_loses_a_token(lab: Lab) -> None:
    lab.server.configure({"pace": {"decode_ms_per_token": 0.05}})
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", lab.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=1024)
    await lab.post("/v1/chat/completions", chat())
    for connection in lab.server.connections:
        assert connection.transport is not None
        connection.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    count = 5000
    ask = chat(stream=True, max_tokens=count, ignore_eos=True, stream_options={"include_usage": True})
    writer.write(message("/v1/chat/completions", ask, headers="connection: close\r\n"))
    assert (await asyncio.wait_for(lab.post("/v1/chat/completions", chat()), 2))[0] == 200
    while lab.server.engine.unfinished:
        await asyncio.sleep(0.05)
    seen = events(parsed(await asyncio.wait_for(reader.read(-1), 30))[2])
    assert seen[-2]["usage"]["completion_tokens"] == count
    assert len(seen) < count, "what the reader was too slow for came merged"
    text = "".join(event["choices"][0]["delta"]["content"] for event in seen[:-2])
    assert len(text.split(" ")) - 1 == count


async def test_a_full_queue_is_refused_with_503_and_counted() -> None:
    lab = await lab_with(limits=EngineLimits(max_num_seqs=1, max_num_queued_reqs=1), pace=Pace(decode_ms_per_token=50))
    waiting = [asyncio.create_task(lab.post("/v1/chat/completions", chat(max_tokens=20))) for _ in range(2)]
    await asyncio.sleep(0.1)
    status, _, body = await lab.post("/v1/chat/completions", chat())
    assert (status, json.loads(body)["error"]["type"]) == (503, "ServiceUnavailableError")
    page = lab.server.catalog.render(lab.server.engine).decode()
    assert 'vllm:admission_rejections_total{model_name="m",reason="max_num_queued_reqs"} 1.0\n' in page
    for task in waiting:
        task.cancel()


async def test_sigterm_without_timeout_ends_running_and_waiting_streams_as_abort() -> None:
    lab = await lab_with(limits=EngineLimits(max_num_seqs=1), pace=Pace(decode_ms_per_token=10))
    asks = [chat(stream=True, max_tokens=900, ignore_eos=True), chat(max_tokens=900, ignore_eos=True)]
    replies = [asyncio.create_task(lab.post("/v1/chat/completions", ask)) for ask in asks]
    async with asyncio.timeout(10):
        while lab.server.engine.unfinished < 2 or lab.server.engine.running[0].generated <= 5:
            await asyncio.sleep(0.01)
    started = time.monotonic()
    await shut_down(lab.server, lab.listener)
    streamed, whole = [await reply for reply in replies]
    assert time.monotonic() - started < 0.5
    assert streamed[0] == whole[0] == 200
    assert events(streamed[2])[-1] == "[DONE]"
    assert events(streamed[2])[-2]["choices"][0]["finish_reason"] == "abort"
    assert len(events(streamed[2])) > 5, "the partial text was delivered"
    assert json.loads(whole[2])["choices"][0]["finish_reason"] == "abort"
    assert lab.counted("vllm:request_success", "finished_reason", "abort") == 2


@pytest.mark.parametrize("kind", list(DrainRejection))
async def test_draining_finishes_what_is_there_and_turns_new_requests_away(kind: DrainRejection) -> None:
    pace = Pace(decode_ms_per_token=10)
    lab = await lab_with(shutdown_timeout_seconds=5.0, drain_rejection=kind, pace=pace)
    running = asyncio.create_task(lab.post("/v1/chat/completions", chat(max_tokens=20, ignore_eos=True)))
    await asyncio.sleep(0.05)
    ending = asyncio.create_task(shut_down(lab.server, lab.listener))
    await asyncio.sleep(0.02)
    status, _, body = await lab.post("/v1/chat/completions", chat())
    if kind is DrainRejection.ERROR:
        assert status == 500
    else:
        assert (status, json.loads(body)["choices"][0]["finish_reason"]) == (200, "abort")
    assert json.loads((await running)[2])["choices"][0]["finish_reason"] == "length"
    await asyncio.wait_for(ending, 1)


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("error", lambda a: a.startswith(b"HTTP/1.1 500")),
        ("drop", lambda a: a == b""),
        ("truncate", lambda a: a.count(b"data: ") in (2, 3) and b"[DONE]" not in a),
        ("crosstalk", lambda a: b"[REQ-" in a and b"[REQ-mine]" not in a and b"[DONE]" in a),
        ("broken-json", lambda a: b'"id":"broken"' in a and b"[DONE]" in a),
    ],
)
async def test_faults_can_be_switched_on_and_off_while_running(lab: Lab, fault: str, check: Any) -> None:
    ask = message("/v1/chat/completions", chat("[REQ-mine]", stream=True), headers="connection: close\r\n")
    assert (await lab.post("/standin/config", {"rates": {fault: 1}}))[0] == 200
    assert check(await lab.raw(ask))
    await lab.post("/standin/config", {"rates": {fault: 0}})
    healthy = await lab.raw(ask)
    assert b"[REQ-mine]" in healthy
    assert b"[DONE]" in healthy
    assert lab.server.engine.unfinished == 0


async def test_a_struck_request_is_named_in_the_log(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    await lab.post("/standin/config", {"rates": {"cut": 1}})
    await lab.post("/v1/chat/completions", chat(max_tokens=500), headers="x-request-id: 7a2f-17-x\r\n")
    assert "request 7a2f-17-x: injected cut" in capsys.readouterr().out


async def test_a_reset_stream_ends_in_a_connection_reset(lab: Lab) -> None:
    await lab.post("/standin/config", {"rates": {"reset": 1}})
    with pytest.raises(ConnectionResetError):
        await lab.raw(message("/v1/chat/completions", chat(stream=True)))


async def test_a_stalled_stream_stays_open_and_silent(lab: Lab) -> None:
    await lab.post("/standin/config", {"rates": {"stall": 1}})
    reader, writer = await lab.connect()
    writer.write(message("/v1/chat/completions", chat(stream=True, max_tokens=10)))
    await reader.readuntil(b"content")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(-1), 0.3)
    writer.close()


async def test_a_wrong_configuration_changes_nothing(lab: Lab) -> None:
    before = lab.server.config_view()
    status, _, body = await lab.post("/standin/config", {"rates": {"error": 1}, "pace": {"decode_ms_per_token": -1}})
    assert status == 400
    assert "decode_ms_per_token must be" in body
    assert lab.server.config_view() == before


async def test_an_unhealthy_server_answers_503_on_health(lab: Lab) -> None:
    await lab.post("/standin/config", {"unhealthy": True})
    assert parsed(await lab.raw(b"GET /health HTTP/1.1\r\nconnection: close\r\n\r\n"))[0] == 503


async def test_an_idle_connection_is_closed_after_the_keep_alive_time(lab: Lab) -> None:
    reader, writer = await lab.connect()
    writer.write(b"GET /health HTTP/1.1\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    for connection in lab.server.connections:
        connection.expire(asyncio.get_running_loop().time() + 4.9)
    assert not reader.at_eof()
    for connection in list(lab.server.connections):
        connection.expire(asyncio.get_running_loop().time() + 5.1)
    assert await asyncio.wait_for(reader.read(), 1) == b""
    writer.close()


async def test_a_request_that_trickles_in_without_end_is_timed_out(lab: Lab) -> None:
    reader, writer = await lab.connect()
    writer.write(b"GET /health HTTP/1.1\r\nx: ")
    await asyncio.sleep(0.02)
    for connection in list(lab.server.connections):
        connection.expire(asyncio.get_running_loop().time() + 31)
    assert (await asyncio.wait_for(reader.read(), 1)).startswith(b"HTTP/1.1 408")
    writer.close()


async def test_with_an_api_key_the_v1_endpoints_require_it(lab: Lab) -> None:
    locked = await lab_with(api_keys=("k", "l"))
    assert (await locked.post("/v1/chat/completions", chat()))[0] == 401
    assert (await locked.post("/v1/chat/completions", chat(), headers="authorization: Bearer k\r\n"))[0] == 200


async def test_counters_equal_the_sum_of_what_clients_received(lab: Lab) -> None:
    asks = [chat(f"number {n}" * (n + 1), max_tokens=3 + n) for n in range(20)]
    replies = await asyncio.gather(*(lab.post("/v1/chat/completions", ask) for ask in asks))
    received = [json.loads(body)["usage"] for _, _, body in replies]
    assert len(received) == 20
    assert lab.counted("vllm:prompt_tokens") == sum(usage["prompt_tokens"] for usage in received)
    assert lab.counted("vllm:generation_tokens") == sum(usage["completion_tokens"] for usage in received)
    assert lab.counted("vllm:request_success", "finished_reason", "length") == 20
