"""How tokens reach the client: as SSE chunks while they come, or as one JSON body at the end.

The hot path of the server: every byte that can be rendered once per request is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from elastometer_standin import VLLM_VERSION
from elastometer_standin.api import Call
from elastometer_standin.engine import Finish, Sequence
from elastometer_standin.faults import Fault
from elastometer_standin.http import Connection

STREAM_TYPE = ("content-type", "text/event-stream; charset=utf-8")
JSON_TYPE = ("content-type", "application/json")
BROKEN_EVENT = b'data: {"id":"broken","choices":[{"index":0,"delta":{"content":"\n\n'
DONE_EVENT = b"data: [DONE]\n\n"
FINGERPRINT = f"vllm-{VLLM_VERSION}-06aeb16c"
# What vLLM names in every whole answer and leaves null for requests as these.
SILENT_FIELDS = ("refusal", "annotations", "audio", "function_call", "reasoning")
CHAT_FIELDS = ("prompt_logprobs", "prompt_token_ids", "prompt_text")
LAST_FIELDS = ("kv_transfer_params", "ec_transfer_params", "metrics")
_SLOT = "\x00text\x00"


@dataclass(frozen=True, slots=True)
class Draft:
    """One answer before its first token."""

    call: Call
    reply_id: str
    created: int
    pieces: tuple[str, ...]
    fault: Fault | None
    headers: list[tuple[str, str]]
    on_gone: Callable[[Sequence], None]
    """Called when the client leaves before the end."""


def usage(seq: Sequence) -> dict[str, int]:
    return {
        "prompt_tokens": seq.prompt_tokens,
        "total_tokens": seq.prompt_tokens + seq.generated,
        "completion_tokens": seq.generated,
    }


class WholeReply:
    """A reply that is not streamed."""

    __slots__ = ("_connection", "_draft", "sequence")

    def __init__(self, connection: Connection, draft: Draft, sequence: Sequence) -> None:
        self._connection, self._draft, self.sequence = connection, draft, sequence
        connection.listener = self

    def advance(self) -> None:
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

    def client_gone(self) -> None:
        self._draft.on_gone(self.sequence)

    def client_reads_again(self) -> None:
        """Nothing is held back."""

    def _body(self, finish: Finish) -> dict[str, Any]:
        call, text = self._draft.call, "".join(self._draft.pieces[: self.sequence.generated])
        ending = {"logprobs": None, "finish_reason": finish.value, "stop_reason": None, "token_ids": None}
        if call.chat:
            message = {"role": "assistant", "content": text, **dict.fromkeys(SILENT_FIELDS)}
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
            **dict.fromkeys(CHAT_FIELDS if call.chat else ()),
            **dict.fromkeys(LAST_FIELDS),
        }


class StreamReply:
    """A reply as server-sent events; one token per event unless the reader is behind."""

    __slots__ = ("_after", "_before", "_chunked", "_connection", "_draft", "_fault_at", "_sent", "sequence")

    def __init__(self, connection: Connection, draft: Draft, sequence: Sequence) -> None:
        self._connection, self._draft, self.sequence = connection, draft, sequence
        self._sent = 0
        self._fault_at = max(1, len(draft.pieces) // 2) if draft.fault else -1
        self._before, self._after = _around_text(draft, None)
        connection.listener = self
        self._chunked = connection.start_stream([STREAM_TYPE, *draft.headers])

    def advance(self) -> None:
        """Write what the sequence has and the client has not. A slow reader is left alone till it reads."""
        seq, connection = self.sequence, self._connection
        transport = connection.transport
        if transport is None or (connection.write_paused and seq.finish is None):
            return
        start, end = self._sent, seq.generated
        if self._fault_at >= 0 and end >= self._fault_at and self._strike():
            return
        self._sent = end
        if seq.finish is not None:
            self._finish(start, end)
            return
        if start == 0 and self._draft.call.chat:
            self._write_frame(_role_event(self._draft))
        pieces = self._draft.pieces
        text = pieces[start] if end - start == 1 else "".join(pieces[start:end])
        self._write_frame(self._event(text))

    def client_gone(self) -> None:
        self._draft.on_gone(self.sequence)

    def client_reads_again(self) -> None:
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
        """The last token travels with its finish_reason, as in vLLM; then usage, then [DONE]."""
        draft = self._draft
        finish = Finish.ABORT if draft.fault is Fault.ABORT else self.sequence.finish
        events = [_role_event(draft)] if start == 0 and draft.call.chat else []
        text = "".join(draft.pieces[start:end])
        before, after = _around_text(draft, finish)
        events.append(before + orjson.dumps(text) + after)
        if draft.call.include_usage:
            more = {"usage": usage(self.sequence), "system_fingerprint": FINGERPRINT}
            events.append(_event_of(draft, [], more))
        for event in (*events, DONE_EVENT):
            self._write_frame(event)
        self._connection.end_stream(self._chunked)

    def _strike(self) -> bool:
        """Do the damage; True when nothing more is to be written."""
        match self._draft.fault:
            case Fault.TRUNCATE | Fault.RESET:
                self._connection.cut(reset=self._draft.fault is Fault.RESET)
                self._draft.on_gone(self.sequence)
                return True
            case Fault.STALL:
                return True
            case Fault.ABORT:
                self._fault_at = -1
                self._draft.on_gone(self.sequence)
            case Fault.BROKEN_JSON:
                self._fault_at = -1
                self._write_frame(BROKEN_EVENT)
        return False


def _role_event(draft: Draft) -> bytes:
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
    """What stands before and after the quoted text in a content event."""
    if draft.call.chat:
        choice: dict[str, Any] = {"index": 0, "delta": {"content": _SLOT}, "logprobs": None}
    else:
        choice = {"index": 0, "text": _SLOT, "logprobs": None}
    choice["finish_reason"] = finish.value if finish else None
    if finish or not draft.call.chat:
        choice["stop_reason"] = None
    if not draft.call.chat:
        choice["prompt_token_ids"] = None
    choice["token_ids"] = None
    before, _, after = _event_of(draft, [choice]).partition(orjson.dumps(_SLOT))
    return before, after
