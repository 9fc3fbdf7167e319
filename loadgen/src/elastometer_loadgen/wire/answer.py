"""The answer to one request as its events arrive. Pure: stamps are passed in.

JSON is parsed only where a decision hangs on it: until the first token, and for events that may carry a
finish reason, usage or an error. A `"key":` cannot occur inside a JSON string (its quotes would be escaped),
so looking for one in the bytes is exact; what the look cannot settle is parsed. Where a check or a person wants the
text it is kept, and only an event that was parsed tells which of its strings the text is.
"""

from typing import Any

import orjson

from elastometer_loadgen.wire.sse import EVENT_END, FIELD, EventStream, OversizedEvent

DONE = b"[DONE]"
CONTENT, TEXT = b'"content":"', b'"text":"'
# Fields of a choice's delta that hold text which the model produced besides `content`; servers differ in the name.
REASONING_FIELDS = ("reasoning_content", "reasoning")
LONGEST_REASON = 64
# Some 64,000 tokens, in characters; a check of more would hold up the other streams for too long.
LONGEST_TEXT = 256 * 1024
# No event begins like this.
NOTHING = b"\0"
LONGEST_CHUNK = 4096
# How a read ends that ends with an event and its chunk.
EVENT_AND_CHUNK_END = EVENT_END + b"\r\n"


def _size_line(length: int) -> bytes:
    """The line that announces a chunk which, with that line and its end, is so many bytes long."""
    for digits in range(1, 5):
        line = b"%x\r\n" % max(length - digits - 4, 0)
        if len(line) == digits + 2:
            return line
    return NOTHING


SIZE_LINES = tuple(_size_line(length) for length in range(LONGEST_CHUNK))


class Answer:
    """What a streamed completion has said so far. Stamps are monotonic seconds; None until seen."""

    __slots__ = (
        "_after", "_before", "_events", "_kept", "_kept_characters", "_lead", "_skims", "_trail", "chunks",
        "completion_tokens", "done", "error", "finish_reason", "first_token_at", "last_token_at", "malformed",
        "prompt_tokens",
    )  # fmt: skip

    def __init__(self, *, keeps_text: bool = False) -> None:
        self._events = EventStream()
        self._kept: list[str] | None = [] if keeps_text else None
        self._kept_characters = 0
        # From the first token on, unless the text is kept, plain pieces of text are only counted.
        self._skims = False
        # What stood before and after the text of the last plain piece; no event begins like this one.
        self._before, self._after = NOTHING, b""
        # The same as it travels; only while no event is under way.
        self._lead, self._trail = NOTHING, b""
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
                if self._before is not NOTHING and self._is_like_last(payload, at):
                    continue
                if payload == DONE:
                    self.done = True
                elif payload and not (self._skims and self._is_plain(payload, at)):
                    self._read(payload, at)
        except (OversizedEvent, orjson.JSONDecodeError) as error:
            self.malformed = str(error)
        self._lead = NOTHING
        if self._before is not NOTHING and self.malformed is None and self._events.is_between_events:
            self._arm()

    def _arm(self) -> None:
        """Lets `take_chunk` know the next event by what travels around its text, where that is one line."""
        if b"\n" not in self._before and b"\n" not in self._after:
            self._lead, self._trail = FIELD + self._before, self._after + EVENT_AND_CHUNK_END

    def take_chunk(self, chunk: bytes, at: float) -> bool:
        """Counts one whole chunk of a chunked body that holds one event like the last one, and nothing besides.

        False for anything else, and then nothing of it was taken. This is where nearly all of a stream goes, so it
        spares the parsers of HTTP, of events and of JSON: all but the text is byte for byte what they passed before.
        """
        size = len(chunk)
        if self._lead is NOTHING or size >= LONGEST_CHUNK:
            return False
        line = SIZE_LINES[size]
        at_lead = len(line)
        if not (chunk.startswith(line) and chunk.startswith(self._lead, at_lead) and chunk.endswith(self._trail)):
            return False
        start, end = at_lead + len(self._lead), size - len(self._trail)
        # Within a line of an event neither may be: they would end it.
        if chunk.find(b"\n", start, end) >= 0 or chunk.find(b"\r", start, end) >= 0:
            return False
        return self._take_text(chunk, start, end, at)

    def _is_like_last(self, payload: bytes, at: float) -> bool:
        """True for a piece of text around which all is byte for byte as it was around the last one; it was counted."""
        if not (payload.startswith(self._before) and payload.endswith(self._after)):
            return False
        return self._take_text(payload, len(self._before), len(payload) - len(self._after), at)

    def _take_text(self, data: bytes, start: int, end: int, at: float) -> bool:
        """Counts what stands between two quotes; False where that is not one text, or must be parsed to be read."""
        if not data.find(b'"', start) == end > start:
            return False
        if self._kept is not None:
            piece = data[start:end]
            text = "" if b"\\" in piece else piece.decode("utf-8", "replace")
            # What is left over are escapes, spoilt UTF-8 and control characters.
            if not text.isprintable() or not text or "\ufffd" in text:
                return False
            self._keep(text)
        self.chunks += 1
        self.last_token_at = at
        return True

    def _is_plain(self, payload: bytes, at: float) -> bool:
        """True for a piece of text that is new in what stands around it; it was counted."""
        return _is_plain_token(payload) and self._learn(payload) and self._is_like_last(payload, at)

    def _learn(self, payload: bytes) -> bool:
        """Remembers what stands around the text of a plain piece; False when it is cut off within its text."""
        name = CONTENT if CONTENT in payload else TEXT
        start = payload.index(name) + len(name)
        end = payload.find(b'"', start)
        if end < 0:
            return False
        self._before, self._after = payload[:start], payload[end:]
        return True

    def _read(self, payload: bytes, at: float) -> None:
        event = orjson.loads(payload)
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
        if not choices or not isinstance(choices, list):
            return
        before = self.chunks
        for choice in choices:
            if isinstance(choice, dict):
                self._read_choice(choice, at)
        if self._kept is not None and self.chunks == before + 1:
            self._learn_kept(payload, choices)

    def _read_choice(self, choice: dict[str, Any], at: float) -> None:
        reason = choice.get("finish_reason")
        if isinstance(reason, str):
            self.finish_reason = reason[:LONGEST_REASON]
        delta = choice.get("delta")
        said = delta.get("content") if isinstance(delta, dict) else choice.get("text")
        if (said and isinstance(said, str)) or (isinstance(delta, dict) and _has_reasoning(delta)):
            self.chunks += 1
            self.last_token_at = at
            if self.first_token_at is None:
                self.first_token_at = at
                self._skims = self._kept is None
        if self._kept is not None and isinstance(said, str):
            self._keep(said)

    def _learn_kept(self, payload: bytes, choices: list[Any]) -> None:
        """Where the text is kept, only what was parsed tells which of an event's strings it is."""
        if len(choices) != 1:
            return
        name, holder = (CONTENT, choices[0].get("delta")) if CONTENT in payload else (TEXT, choices[0])
        text = holder.get(name[1:-3].decode()) if isinstance(holder, dict) else None
        if isinstance(text, str) and text and payload.count(name) == 1 and _is_plain_token(payload):
            self._learn(payload)

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


def _is_plain_token(payload: bytes) -> bool:
    """True for an event that surely is one more piece of text and nothing else."""
    # `in` would first try its operand as an integer, and take five times as long.
    if payload.find(b'"finish_reason":null') < 0 or payload.find(b'"usage"') >= 0 or payload.find(b'"error"') >= 0:
        return False
    if payload.find(CONTENT) >= 0:
        return payload.find(CONTENT + b'"') < 0
    return payload.find(TEXT) >= 0 and payload.find(TEXT + b'"') < 0


def _has_reasoning(delta: dict[str, Any]) -> bool:
    texts = (delta.get(name) for name in REASONING_FIELDS)
    return any(isinstance(text, str) and text for text in texts)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _message_of(error: object) -> str:
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        return str(error["message"])
    return str(error)
