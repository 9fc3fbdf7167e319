"""Sends tokens to the client: as server-sent events while they are generated, or as one JSON body at the end.

This is the server's hot path, so everything that is the same in all events of a request is rendered once. Keys and
their order are those of a running vLLM 0.32, also where the value is always null: a client may depend on them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from elastometer_standin import VLLM_VERSION
from elastometer_standin.api import Call
from elastometer_standin.engine import Finish, Sequence
from elastometer_standin.http import Connection
from elastometer_standin.troubles.faults import Fault

STREAM_TYPE = ("content-type", "text/event-stream; charset=utf-8")
JSON_TYPE = ("content-type", "application/json")
BROKEN_EVENT = b'data: {"id":"broken","choices":[{"index":0,"delta":{"content":"\n\n'
DONE_EVENT = b"data: [DONE]\n\n"
FINGERPRINT = f"vllm-{VLLM_VERSION}-06aeb16c"
# Keys that vLLM writes in every whole answer, with null for requests like these.
NULL_MESSAGE_FIELDS = ("refusal", "annotations", "audio", "function_call", "reasoning")
NULL_CHAT_FIELDS = ("prompt_logprobs", "prompt_token_ids", "prompt_text")
NULL_LAST_FIELDS = ("kv_transfer_params", "ec_transfer_params", "metrics")
_TEXT_PLACEHOLDER = "\x00text\x00"
"""Marks the place of the text in a rendered event; no field before it can contain it."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known of a reply before its first token: the text to come, its identifiers and its fault."""

    call: Call
    reply_id: str
    created: int
    pieces: tuple[str, ...]
    fault: Fault | None
    headers: list[tuple[str, str]]
    on_gone: Callable[[Sequence], None]
    """Called when the client leaves before the end."""


def usage(seq: Sequence) -> dict[str, int]:
    """OpenAI's `usage` for what has been generated so far."""
    return {
        "prompt_tokens": seq.prompt_tokens,
        "total_tokens": seq.prompt_tokens + seq.generated,
        "completion_tokens": seq.generated,
    }


class WholeReply:
    """A reply that is not streamed: nothing leaves before the last token."""

    __slots__ = ("_connection", "_draft", "sequence")

    def __init__(self, connection: Connection, draft: Draft, sequence: Sequence) -> None:
        self._connection, self._draft, self.sequence = connection, draft, sequence
        connection.listener = self

    def advance(self) -> None:
        """Called after each of its tokens and at its end; replies once the sequence has ended."""
        seq, draft = self.sequence, self._draft
        if seq.finish is None or draft.fault is Fault.STALL:
            return
        if draft.fault in (Fault.TRUNCATE, Fault.RESET):
            self._connection.cut(reset=draft.fault is Fault.RESET)
            return
        body = orjson.dumps(self._body(Finish.ABORT if draft.fault is Fault.ABORT else seq.finish))
        if draft.fault is Fault.BROKEN_JSON:
            body = body[: len(body) // 2]
        self._connection.respond(200, body, [JSON_TYPE, *draft.headers])

    def fail(self, error: bytes) -> None:
        """Answer with HTTP 500 and this body: the engine died under the request."""
        self._connection.respond(500, error, [JSON_TYPE, *self._draft.headers])

    def client_gone(self) -> None:
        """Free the engine of a request that nobody waits for any more."""
        self._draft.on_gone(self.sequence)

    def client_reads_again(self) -> None:
        """Nothing to do: nothing is held back for a slow reader."""

    def _body(self, finish: Finish) -> dict[str, Any]:
        call, text = self._draft.call, "".join(self._draft.pieces[: self.sequence.generated])
        ending = {"logprobs": None, "finish_reason": finish.value, "stop_reason": None, "token_ids": None}
        if call.chat:
            message = {"role": "assistant", "content": text, **dict.fromkeys(NULL_MESSAGE_FIELDS)}
            choice: dict[str, Any] = {"index": 0, "message": message, **ending}
        else:
            choice = {"index": 0, "text": text, **ending, "prompt_logprobs": None, "prompt_token_ids": None}
        choice["routed_experts"] = None
        return {
            "id": self._draft.reply_id,
            "object": "chat.completion" if call.chat else "text_completion",
            "created": self._draft.created,
            "model": call.model,
            "choices": [choice],
            "service_tier": None,
            "system_fingerprint": FINGERPRINT,
            "usage": {**usage(self.sequence), "prompt_tokens_details": None, "completion_tokens_details": None},
            **dict.fromkeys(NULL_CHAT_FIELDS if call.chat else ()),
            **dict.fromkeys(NULL_LAST_FIELDS),
        }


class StreamReply:
    """A reply as server-sent events, one token per event unless the reader is behind.

    Faults in mid-stream strike when half the answer has been generated.
    """

    __slots__ = ("_after", "_before", "_chunked", "_connection", "_draft", "_fault_at", "_sent", "sequence")

    def __init__(self, connection: Connection, draft: Draft, sequence: Sequence) -> None:
        self._connection, self._draft, self.sequence = connection, draft, sequence
        self._sent = 0
        self._fault_at = max(1, len(draft.pieces) // 2) if draft.fault else -1
        self._before, self._after = _around_text(draft, None)
        connection.listener = self
        self._chunked = connection.start_stream([STREAM_TYPE, *draft.headers])

    def advance(self) -> None:
        """Write the tokens that the client has not got yet. For a slow reader they wait until it has caught up."""
        seq, connection = self.sequence, self._connection
        transport = connection.transport
        if transport is None or (connection.write_paused and seq.finish is None):
            return
        start, end = self._sent, seq.generated
        if self._fault_at >= 0 and end >= self._fault_at and self._inject_fault():
            return
        self._sent = end
        if seq.finish is not None:
            self._finish(start, end)
            return
        if start == 0 and self._draft.call.chat:
            self._write_frame(_role_event(self._draft))
        pieces = self._draft.pieces
        # A reader that was behind gets several tokens in one event, as vLLM does it.
        text = pieces[start] if end - start == 1 else "".join(pieces[start:end])
        self._write_frame(self._event(text))

    def fail(self, error: bytes) -> None:
        """End the stream with this error as an event, and [DONE], as vLLM ends one whose engine died."""
        for event in (b"data: %b\n\n" % error, DONE_EVENT):
            self._write_frame(event)
        self._connection.end_stream(self._chunked)

    def client_gone(self) -> None:
        """Free the engine of a request that nobody reads any more."""
        self._draft.on_gone(self.sequence)

    def client_reads_again(self) -> None:
        """Write what was held back while the client was behind."""
        if self._sent < self.sequence.generated:
            self.advance()

    def _event(self, text: str) -> bytes:
        return b"".join((self._before, orjson.dumps(text), self._after))

    def _write_frame(self, event: bytes) -> None:
        transport = self._connection.transport
        if transport is None:
            return
        if self._chunked:
            transport.write(b"%x\r\n%b\r\n" % (len(event), event))
        else:
            transport.write(event)

    def _finish(self, start: int, end: int) -> None:
        """Send the last token with its finish_reason, as vLLM does; then usage, then [DONE]."""
        draft = self._draft
        finish = Finish.ABORT if draft.fault is Fault.ABORT else self.sequence.finish
        events = [_role_event(draft)] if start == 0 and draft.call.chat else []
        text = "".join(draft.pieces[start:end])
        before, after = _around_text(draft, finish)
        events.append(before + orjson.dumps(text) + after)
        if draft.call.include_usage:
            more = {"usage": usage(self.sequence), "system_fingerprint": FINGERPRINT}
            events.append(_event_of(draft, [], more))
        # One write per event: each is a chunk of its own, which is how a client of vLLM receives them.
        for event in (*events, DONE_EVENT):
            self._write_frame(event)
        self._connection.end_stream(self._chunked)

    def _inject_fault(self) -> bool:
        """Do the damage; returns True when nothing more must be written."""
        match self._draft.fault:
            case Fault.TRUNCATE | Fault.RESET:
                self._connection.cut(reset=self._draft.fault is Fault.RESET)
                self._draft.on_gone(self.sequence)
                return True
            case Fault.STALL:
                return True
            case Fault.ABORT:
                # The engine aborts the sequence, and the stream goes on to its end: finish_reason, usage, [DONE].
                self._fault_at = -1
                self._draft.on_gone(self.sequence)
            case Fault.BROKEN_JSON:
                self._fault_at = -1
                self._write_frame(BROKEN_EVENT)
        return False


def _role_event(draft: Draft) -> bytes:
    """The first chunk of a chat, which has a role and no text: clients must not take it for the first token."""
    delta = {"role": "assistant", "content": ""}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
    return _event_of(draft, [choice], {"prompt_token_ids": None, "prompt_text": None})


def _event_of(draft: Draft, choices: list[dict[str, Any]], more: dict[str, Any] | None = None) -> bytes:
    data: dict[str, Any] = {
        "id": draft.reply_id,
        "object": "chat.completion.chunk" if draft.call.chat else "text_completion",
        "created": draft.created,
        "model": draft.call.model,
        "choices": choices,
    }
    data |= more or {}
    return b"data: " + orjson.dumps(data) + b"\n\n"


def _around_text(draft: Draft, finish: Finish | None) -> tuple[bytes, bytes]:
    """The bytes of a content event before and after its quoted text."""
    if draft.call.chat:
        choice: dict[str, Any] = {"index": 0, "delta": {"content": _TEXT_PLACEHOLDER}, "logprobs": None}
    else:
        choice = {"index": 0, "text": _TEXT_PLACEHOLDER, "logprobs": None}
    choice["finish_reason"] = finish.value if finish else None
    if finish or not draft.call.chat:
        choice["stop_reason"] = None
    if not draft.call.chat:
        choice["prompt_token_ids"] = None
    choice["token_ids"] = None
    before, _, after = _event_of(draft, [choice]).partition(orjson.dumps(_TEXT_PLACEHOLDER))
    return before, after
