"""The answer to one request as its events arrive, and the class of how it ended. Pure: stamps are passed in.

JSON is parsed only where a decision hangs on it: until the first token, and for events that may carry a
finish reason, usage or an error. A `"key":` cannot occur inside a JSON string (its quotes would be escaped),
so looking for one in the bytes is exact; what the look cannot settle is parsed. Where a check or a person wants the
text, every event is parsed and the text is kept.
"""

from enum import Enum
from typing import Any

import orjson

from elastometer_loadgen.record import Outcome
from elastometer_loadgen.sse import EventStream, OversizedEvent

DONE = b"[DONE]"
CONTENT, TEXT = b'"content":"', b'"text":"'
# Fields of a choice's delta that hold text that the model produced; reasoning is produced text too.
TEXT_FIELDS = ("content", "reasoning_content", "reasoning")
LONGEST_REASON = 64
# Some 64,000 tokens, in characters; a check of more would hold up the other streams for too long.
LONGEST_TEXT = 256 * 1024


class Ending(Enum):
    """How the exchange of bytes ended, before anyone judged what they said."""

    COMPLETE = "the answer's last byte arrived"
    UNREACHABLE = "no connection"
    LOST = "the connection broke"
    STALLED = "silent for too long"
    TIMED_OUT = "took too long"
    MALFORMED = "not HTTP"


class Answer:
    """What a streamed completion has said so far. Stamps are monotonic seconds; None until seen."""

    __slots__ = (
        "_after", "_before", "_events", "_kept", "_kept_characters", "_skims", "chunks", "completion_tokens", "done",
        "error", "finish_reason", "first_token_at", "last_token_at", "malformed", "prompt_tokens",
    )  # fmt: skip

    def __init__(self, *, keeps_text: bool = False) -> None:
        self._events = EventStream()
        self._kept: list[str] | None = [] if keeps_text else None
        self._kept_characters = 0
        # From the first token on, unless the text is kept, plain pieces of text are only counted.
        self._skims = False
        # What stood before and after the text of the last plain piece; no event begins like this one.
        self._before, self._after = b"\0", b""
        self.first_token_at: float | None = None
        self.last_token_at: float | None = None
        self.chunks = 0
        self.prompt_tokens: int | None = None
        self.completion_tokens: int | None = None
        self.finish_reason: str | None = None
        self.error: str | None = None
        self.malformed: str | None = None
        self.done = False

    def feed(self, data: bytes, at: float) -> None:
        """Takes bytes of the body that were read at this instant."""
        if self.malformed is not None:
            return
        try:
            for payload in self._events.feed(data):
                if self._skims and (self._is_like_last(payload) or self._is_plain(payload)):
                    self.chunks += 1
                    self.last_token_at = at
                elif payload == DONE:
                    self.done = True
                elif payload:
                    self._read(orjson.loads(payload), at)
        except (OversizedEvent, orjson.JSONDecodeError) as error:
            self.malformed = str(error)

    def _is_like_last(self, payload: bytes) -> bool:
        """True for a piece of text around which all is byte for byte as it was around the last one."""
        if not (payload.startswith(self._before) and payload.endswith(self._after)):
            return False
        start, end = len(self._before), len(payload) - len(self._after)
        return payload.find(b'"', start) == end > start

    def _is_plain(self, payload: bytes) -> bool:
        if not _is_plain_token(payload):
            return False
        name = CONTENT if CONTENT in payload else TEXT
        start = payload.index(name) + len(name)
        end = payload.find(b'"', start)
        if end < 0:
            # Cut off within its text: the parser finds the words for it.
            return False
        self._before, self._after = payload[:start], payload[end:]
        return True

    def _read(self, event: Any, at: float) -> None:
        if not isinstance(event, dict):
            self.malformed = "an event of the stream is not a JSON object"
            return
        if event.get("error"):
            self.error = _message_of(event["error"])
        usage = event.get("usage")
        if isinstance(usage, dict):
            self.prompt_tokens = _count(usage.get("prompt_tokens"))
            self.completion_tokens = _count(usage.get("completion_tokens"))
        choices = event.get("choices")
        for choice in choices if isinstance(choices, list) else []:
            if isinstance(choice, dict):
                self._read_choice(choice, at)

    def _read_choice(self, choice: dict[str, Any], at: float) -> None:
        if isinstance(choice.get("finish_reason"), str):
            self.finish_reason = choice["finish_reason"][:LONGEST_REASON]
        delta = choice.get("delta")
        texts = [delta.get(name) for name in TEXT_FIELDS] if isinstance(delta, dict) else [choice.get("text")]
        if any(isinstance(text, str) and text for text in texts):
            self.chunks += 1
            self.last_token_at = at
            if self.first_token_at is None:
                self.first_token_at = at
                self._skims = self._kept is None
        if self._kept is not None and isinstance(texts[0], str):
            self._keep(texts[0])

    def _keep(self, text: str) -> None:
        self._kept_characters += len(text)
        if self._kept_characters > LONGEST_TEXT:
            self._kept = None
            self._skims = True
        elif self._kept is not None:
            self._kept.append(text)

    @property
    def text(self) -> str | None:
        """The answer without its reasoning; None when it was not kept, or was too long to keep."""
        return None if self._kept is None else "".join(self._kept)


def classify(
    ending: Ending, status: int | None, answer: Answer, error: str | None
) -> tuple[Outcome, str | None]:
    """The outcome of a request and the words for it, from how it ended and what had arrived by then."""
    if status is None:
        return _without_status(ending), error or ending.value
    if status >= 400:
        return (Outcome.SERVER_ERROR if status >= 500 else Outcome.CLIENT_ERROR), error or f"status {status}"
    if ending is Ending.MALFORMED or status != 200:
        return Outcome.MALFORMED, error or answer.malformed or f"status {status} is no answer"
    if answer.malformed is not None:
        return Outcome.MALFORMED, answer.malformed
    if answer.error is not None:
        return Outcome.SERVER_ERROR, answer.error
    if answer.finish_reason == "abort":
        return Outcome.ABORTED, "finish reason abort"
    return _of_stream(ending, answer, error)


def _without_status(ending: Ending) -> Outcome:
    match ending:
        case Ending.UNREACHABLE:
            return Outcome.REFUSED
        case Ending.STALLED:
            return Outcome.STALLED
        case Ending.TIMED_OUT:
            return Outcome.TIMED_OUT
        case Ending.MALFORMED:
            return Outcome.MALFORMED
        case _:
            return Outcome.RESET_BEFORE_ANSWER


def _of_stream(ending: Ending, answer: Answer, error: str | None) -> tuple[Outcome, str | None]:
    if answer.done and (answer.chunks or answer.finish_reason):
        return Outcome.SUCCESS, None
    if answer.done:
        return Outcome.MALFORMED, "the stream ended without any text or finish reason"
    if ending is Ending.TIMED_OUT:
        return Outcome.TIMED_OUT, error
    if ending is Ending.STALLED:
        return Outcome.STALLED, error
    how = f": {error}" if error else ""
    return Outcome.TRUNCATED, f"stream ended after {answer.chunks} chunks without [DONE]{how}"


def _is_plain_token(payload: bytes) -> bool:
    """True for an event that surely is one more piece of text and nothing else."""
    if b'"finish_reason":null' not in payload or b'"usage"' in payload or b'"error"' in payload:
        return False
    if CONTENT in payload:
        return CONTENT + b'"' not in payload
    return TEXT in payload and TEXT + b'"' not in payload


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _message_of(error: object) -> str:
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        return str(error["message"])
    return str(error)
