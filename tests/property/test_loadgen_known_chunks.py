"""Chunks that are known by what stands around their text are counted as they are when every byte is parsed.

A read of one byte is never known, so the same stream in single bytes is what every parser says of it.
"""

from itertools import pairwise

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.plan.prompts import Prompt
from elastometer_loadgen.plan.schedule import Arrival
from elastometer_loadgen.wire.answer import SIZE_LINES, Answer
from elastometer_loadgen.wire.connection import Connection
from elastometer_loadgen.wire.exchange import Exchange
from support.wire import Ends, Wire

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    st.sampled_from(['"', "\\", 'a"b', "\n", "\r", "\u2028", "é€😀", "}]}", '"finish_reason":null', "\ufffd", "\x00"]),
)
EVENTS = st.fixed_dictionaries(
    {"text": TEXTS},
    optional={
        "finish": st.sampled_from([None, "stop"]),
        "usage": st.just({"prompt_tokens": 3, "completion_tokens": 4}),
        "reasoning": TEXTS,
        "field": st.sampled_from(["content", "text"]),
        "frame": st.sampled_from(
            ["data:%b\n\n", ": ping\n\ndata: %b\n\n", "data: %b\r\n\r\n", "data: %b\n", "id: 1\ndata: %b\n\n"]
        ),
        "lines": st.just(True),
    },
)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(given: dict[str, object]) -> bytes:
    """One event of a stream as vLLM writes it, or with something else about it."""
    choice: dict[str, object] = {"index": 0, "finish_reason": given.get("finish")}
    if given.get("field") == "text":
        choice["text"] = given["text"]
    else:
        more = {"reasoning": given["reasoning"]} if "reasoning" in given else {}
        choice["delta"] = {"content": given["text"], **more}
    document = {"id": "a", "choices": [choice], **({"usage": given["usage"]} if "usage" in given else {})}
    payload = orjson.dumps(document, option=orjson.OPT_INDENT_2 if "lines" in given else None)
    frame = str(given.get("frame", "data: %b\n\n")).encode()
    return frame.replace(b"%b", payload.replace(b"\n", b"\ndata: "))


def hear(reads: list[bytes], *, keeps_text: bool) -> tuple[object, ...]:
    """What is left of an answer that comes in these reads."""
    owner, wire = Ends(), Wire()
    connection = Connection(owner)
    connection.connection_made(wire)
    prompt = Prompt("t", "00ff", b"{}", keeps_text=keeps_text)
    exchange = Exchange(Arrival(0, 0.0, "s"), prompt, 0.0, 0.0)
    connection.begin(exchange, b"")
    for read in reads:
        if not wire.closed:
            connection.data_received(read)
    connection.connection_lost(None)
    (result,) = owner.results
    answer = exchange.answer
    return (
        exchange.outcome, exchange.error, result.reusable, answer.chunks, answer.text, answer.finish_reason,
        answer.completion_tokens, answer.done, answer.malformed,
    )


def bytes_of(reads: list[bytes]) -> list[bytes]:
    whole = b"".join(reads)
    return [whole[at : at + 1] for at in range(len(whole))]


@settings(max_examples=200, deadline=None)
@given(st.lists(EVENTS, max_size=10), st.booleans(), st.lists(st.integers(0, 5000), max_size=4))
def test_known_chunks_count_as_parsed_ones_do(
    events: list[dict[str, object]], keeps_text: bool, cuts: list[int]
) -> None:
    chunks = [HEAD, *(chunk(event(part)) for part in events), chunk(b"data: [DONE]\n\n"), b"0\r\n\r\n"]
    expected = hear(bytes_of(chunks), keeps_text=keeps_text)
    assert hear(chunks, keeps_text=keeps_text) == expected
    whole = b"".join(chunks)
    edges = [sum(map(len, chunks[:number])) for number in range(len(chunks))]
    places = sorted({0, len(whole), *edges, *(place % len(whole) for place in cuts)})
    assert hear([whole[a:b] for a, b in pairwise(places)], keeps_text=keeps_text) == expected


@settings(max_examples=300, deadline=None)
@given(st.booleans(), st.integers(1, 6), st.integers(0, 300), st.binary(max_size=3), st.integers(0, 3))
def test_a_corrupted_chunk_among_known_ones_is_read_as_its_bytes_say(
    keeps_text: bool, which: int, place: int, put: bytes, cut: int
) -> None:
    chunks = [chunk(event({"text": text})) for text in ("Hello", " wor", "ld", "!", " And", " more", " .")]
    corrupted = chunks[which]
    place %= len(corrupted)
    chunks[which] = corrupted[:place] + put + corrupted[place + cut :]
    reads = [HEAD, *chunks, chunk(b"data: [DONE]\n\n"), b"0\r\n\r\n"]
    assert hear(reads, keeps_text=keeps_text) == hear(bytes_of(reads), keeps_text=keeps_text)


@pytest.mark.parametrize("keeps_text", [False, True])
def test_all_but_the_first_of_plain_chunks_spare_the_parsers(
    keeps_text: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, plain = [], Answer.take_chunk

    def take_chunk(answer: Answer, data: bytes, at: float) -> bool:
        known.append(plain(answer, data, at))
        return known[-1]

    monkeypatch.setattr(Answer, "take_chunk", take_chunk)
    texts = [f" w{number}" for number in range(40)]
    reads = [HEAD, *(chunk(event({"text": text})) for text in texts), chunk(b"data: [DONE]\n\n"), b"0\r\n\r\n"]
    outcome, *_ = found = hear(reads, keeps_text=keeps_text)
    assert outcome is Outcome.SUCCESS
    assert found[3] == 40
    assert found[4] == ("".join(texts) if keeps_text else None)
    assert sum(known) == 40 - 1


def test_the_line_of_a_chunk_is_the_one_that_its_length_has() -> None:
    for size in (1, 15, 16, 255, 256, 3000):
        data = chunk(b"x" * size)
        assert data.startswith(SIZE_LINES[len(data)])


def test_a_chunk_whose_size_has_begun_is_left_to_the_parser() -> None:
    """The rest of its size and its first event look like a whole chunk, but its data goes on."""
    plain = event({"text": "a"})
    missing = 0x100 - len(b"\r\n") - len(event({"text": ""}))
    body = plain + b"\r\n" + event({"text": "b" * missing})
    assert len(body) == 0x100 + len(plain)
    whole = chunk(body)
    edge = len(chunk(plain)) + 1
    reads = [HEAD, chunk(plain), chunk(plain), whole[:1], whole[1:edge], whole[edge:]]
    assert reads[4] == chunk(plain)
    reads += [chunk(b"data: [DONE]\n\n"), b"0\r\n\r\n"]
    for keeps_text in (False, True):
        found = hear(reads, keeps_text=keeps_text)
        assert (found[0], found[3]) == (Outcome.SUCCESS, 4)
        assert found == hear(bytes_of(reads), keeps_text=keeps_text)


def test_a_size_written_in_another_form_is_left_to_the_parser() -> None:
    texts = ["a", "b" * 160, "c" * 160]
    plain = [chunk(event({"text": text})) for text in texts]
    for written in ([part.upper() for part in plain], [b"0" + part for part in plain]):
        pairs = zip(written, plain, strict=True)
        sized = [line[: line.index(b"\r")] + part[part.index(b"\r") :] for line, part in pairs]
        reads = [HEAD, *sized, chunk(b"data: [DONE]\n\n"), b"0\r\n\r\n"]
        assert hear(reads, keeps_text=True)[3] == 3
