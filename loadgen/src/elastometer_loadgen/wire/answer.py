"""The answer to one request as its events arrive. Pure: timestamps are passed in.

Every event is parsed, except one that differs from an event that was parsed in nothing but its text. Such an event is
recognised by the bytes before and after its text. So an event counts the same whether or not anything needs the text.
"""

from typing import Any

import orjson

from elastometer_loadgen.wire.burst import are_joint, joint_seconds
from elastometer_loadgen.wire.chunk_sizes import MAX_CHUNK_BYTES, SIZE_LINES
from elastometer_loadgen.wire.event import joined, piece_of, read_json
from elastometer_loadgen.wire.sse import EVENT_END, FIELD, ErrorEvent, EventStream, OversizedEvent
from elastometer_loadgen.wire.stated_error import StatedError, declared_error, error_in, has_words, shown, stated_in
from elastometer_loadgen.wire.usage import later_count

DONE = b"[DONE]"
# Around it some servers write blanks, and others quotes.
AROUND_DONE, MAX_DONE_BYTES = b' \t\r\n"', 64
# What stands before the text, with a blank or without one; any other way of writing it is parsed every time.
CONTENT, TEXT = (b'"content":"', b'"content": "'), (b'"text":"', b'"text": "')
MAX_REASON_CHARACTERS = 64
# Characters, about 64,000 tokens; checking more would hold up the other streams for too long.
MAX_TEXT_CHARACTERS = 256 * 1024
# Matches nothing: no event starts like this.
NOTHING = b"\0"
# How a read ends when its last chunk ends with an event.
EVENT_AND_CHUNK_END = EVENT_END + b"\r\n"
NEVER = float("-inf")


class Answer:
    """What a streamed completion contains so far. Timestamps are monotonic seconds, None until observed."""

    __slots__ = (
        "_after", "_before", "_events", "_framed", "_joint_until", "_kept", "_kept_characters", "_lead", "_trail",
        "chunks", "completion_tokens", "done", "error", "finish_reason", "first_chunks", "first_token_at",
        "last_token_at", "malformed", "over_at", "prompt_tokens",
    )

    def __init__(self, *, keeps_text: bool = False) -> None:
        self._events = EventStream()
        self._kept: list[str] | None = [] if keeps_text else None
        self._kept_characters = 0
        # The bytes before and after the text in the payload of the last plain piece.
        self._before, self._after = NOTHING, b""
        # The same with the framing of event and chunk around it; `_lead` is set only between two events.
        self._lead, self._framed, self._trail = NOTHING, NOTHING, b""
        self._joint_until = NEVER
        self.first_token_at: float | None = None
        self.last_token_at: float | None = None
        self.chunks = 0
        self.first_chunks = 0
        """How many chunks came so soon after the first one that they were sent with it, itself included."""
        self.prompt_tokens: int | None = None
        self.completion_tokens: int | None = None
        self.finish_reason: str | None = None
        self.error: StatedError | None = None
        self.malformed: str | None = None
        self.done = False
        self.over_at: float | None = None
        """When the answer was over by its own account, [DONE] or an error; what follows does not belong to it."""

    @property
    def text(self) -> str | None:
        """The answer without reasoning; None when it was not kept, or was too long to keep."""
        return None if self._kept is None else joined("".join(self._kept))

    @property
    def joint_chunks(self) -> int:
        """How many chunks came together with the first one, itself included."""
        if self.first_token_at is None or self.last_token_at is None:
            return 0
        is_joint = are_joint(self.chunks, self.last_token_at - self.first_token_at)
        return self.chunks if is_joint else self.first_chunks

    @property
    def stray(self) -> str:
        """What the server wrote into the stream outside of any event."""
        return shown(self._events.stray.decode("utf-8", "replace"))

    def feed(self, data: bytes, at: float) -> None:
        """Takes bytes of the body that were read at this instant."""
        self._lead = NOTHING
        if self.malformed is not None or self.over_at is not None:
            return
        try:
            for payload in self._events.feed(data):
                if self._before is not NOTHING and self._is_like_last(payload, at):
                    continue
                self._take(payload, at)
                if self.over_at is not None or self.malformed is not None:
                    return
        except OversizedEvent as error:
            self.malformed = str(error)
            return
        if not self._events.is_between_events:
            # Nothing can follow it in its event, so its end need not be awaited.
            self._note_done(self._events.begun, at)
        else:
            self._lead = self._framed

    def finish(self, at: float) -> None:
        """The body is over: an error in an event that was not ended is taken all the same."""
        if self.malformed is not None or self.over_at is not None:
            return
        for payload in (*self._events.feed(EVENT_END), self._events.stray):
            if self.over_at is None and (error := error_in(payload)) is not None:
                self.fail(error, at)

    def fail(self, error: StatedError, at: float) -> None:
        """The server says that the answer failed."""
        self.error, self.over_at = error, at

    def _take(self, payload: bytes, at: float) -> None:
        if isinstance(payload, ErrorEvent):
            self.fail(declared_error(payload), at)
        elif payload and not self._note_done(payload, at) and not payload.isspace():
            self._read(payload, at)

    def _note_done(self, payload: bytes, at: float) -> bool:
        if len(payload) > MAX_DONE_BYTES or payload.strip(AROUND_DONE).upper() != DONE:
            return False
        self.done, self.over_at = True, at
        return True

    def take_chunk(self, chunk: bytes, at: float) -> bool:
        """Counts one whole chunk of a chunked body that holds one event like the last one, and nothing else.

        False for anything else, of which nothing was taken then. Nearly every read of a stream comes here and skips
        the parsers of HTTP, of events and of JSON: all bytes but the text are the same that passed them before.
        """
        size = len(chunk)
        if self._lead is NOTHING or size >= MAX_CHUNK_BYTES:
            return False
        line = SIZE_LINES[size]
        at_lead = len(line)
        if not (chunk.startswith(line) and chunk.startswith(self._lead, at_lead) and chunk.endswith(self._trail)):
            return False
        start, end = at_lead + len(self._lead), size - len(self._trail)
        # An event's line cannot contain either of them: it would end there.
        if chunk.find(b"\n", start, end) >= 0 or chunk.find(b"\r", start, end) >= 0:
            return False
        return self._take_text(chunk, start, end, at)

    def _is_like_last(self, payload: bytes, at: float) -> bool:
        """True for a piece of text whose surrounding bytes are the same as the last one's; it was counted."""
        if not (payload.startswith(self._before) and payload.endswith(self._after)):
            return False
        return self._take_text(payload, len(self._before), len(payload) - len(self._after), at)

    def _take_text(self, data: bytes, start: int, end: int, at: float) -> bool:
        """Counts the text between two quotes; False where it is not a single text, or must be parsed to be decoded."""
        if end <= start:
            return False
        if data.find(b'"', start) != end or data.find(b"\\", start, end) >= 0:
            try:
                text = orjson.loads(b'"%b"' % data[start:end])
            except orjson.JSONDecodeError:
                return False
            if self._kept is not None:
                self._keep(text)
        elif self._kept is not None:
            self._keep(data[start:end].decode("utf-8", "replace"))
        self.chunks += 1
        self.last_token_at = at
        if at <= self._joint_until:
            self._extend_first()
        return True

    def _extend_first(self) -> None:
        """One more chunk came with the first one, and the next one may have done so too."""
        self.first_chunks = self.chunks
        self._joint_until = (self.first_token_at or NEVER) + joint_seconds(self.chunks)

    def _read(self, payload: bytes, at: float) -> None:
        try:
            event = read_json(payload)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            if (error := error_in(payload)) is not None:
                self.fail(error, at)
            else:
                words = shown(payload.decode("utf-8", "replace"))
                self.malformed = f"an event of the stream is not a JSON object: {words}"
            return
        may_fail = payload.find(b"error") >= 0 or not event.get("choices")
        if may_fail and (error := stated_in(event)) is not None:
            self.fail(error, at)
        usage = event.get("usage")
        if isinstance(usage, dict):
            self.prompt_tokens = later_count(usage.get("prompt_tokens"), self.prompt_tokens)
            self.completion_tokens = later_count(
                usage.get("completion_tokens"), self.completion_tokens, is_empty=not self.chunks)
        choices = event.get("choices")
        if not isinstance(choices, list):
            if has_words(event):
                self._events.keep_stray(payload)
            return
        text = ""
        for choice in choices:
            if isinstance(choice, dict):
                text = self._read_choice(choice, at)
        if text and len(choices) == 1 and not usage and self.over_at is None:
            self._learn(payload, choices[0], text)

    def _read_choice(self, choice: dict[str, Any], at: float) -> str:
        """Takes one choice of an event; the text in it, unless it also ends the answer."""
        text, is_output = piece_of(choice)
        if is_output:
            self.chunks += 1
            self.last_token_at = at
            if self.first_token_at is None:
                self.first_token_at = self._joint_until = at
            if at <= self._joint_until:
                self._extend_first()
        if text and self._kept is not None:
            self._keep(text)
        reason = choice.get("finish_reason")
        if isinstance(reason, dict):
            reason = reason.get("type")
        if not reason or not isinstance(reason, str):
            return text
        self.finish_reason = joined(reason[:MAX_REASON_CHARACTERS])
        return ""

    def _learn(self, payload: bytes, choice: dict[str, Any], text: str) -> None:
        """Remembers the bytes around the text, if there is just one place where it can stand, as it is."""
        for name in CONTENT if isinstance(choice.get("delta"), dict) else TEXT:
            start = payload.find(name) + len(name)
            end = payload.find(b'"', start)
            if start < len(name) or payload.find(name, start) >= 0:
                continue
            if payload[start:end].decode("utf-8", "replace") == text:
                self._frame(payload[:start], payload[end:])

    def _frame(self, before: bytes, after: bytes) -> None:
        """Lets the next event be recognised, and its chunk too if it is a single line."""
        self._before, self._after, self._framed = before, after, NOTHING
        if before.find(b"\n") < 0 and after.find(b"\n") < 0:
            self._framed, self._trail = FIELD + before, after + EVENT_AND_CHUNK_END

    def _keep(self, text: str) -> None:
        self._kept_characters += len(text)
        if self._kept_characters > MAX_TEXT_CHARACTERS:
            self._kept = None
        elif self._kept is not None:
            self._kept.append(text)
