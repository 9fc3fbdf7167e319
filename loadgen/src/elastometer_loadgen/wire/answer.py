"""The answer to one request as its events arrive. Pure: timestamps are passed in.

JSON is parsed only where a decision depends on it: until the first token, and for events that may carry a finish
reason, usage or an error. A `"key":` cannot occur inside a JSON string (its quotes would be escaped), so searching the
bytes for one is exact; whatever the search cannot decide is parsed. Where a check or a fingerprint line needs the text,
it is kept, and then only a parsed event shows which of its strings is the text.
"""

from typing import Any

import orjson

from elastometer_loadgen.wire.sse import EVENT_END, FIELD, EventStream, OversizedEvent

DONE = b"[DONE]"
CONTENT, TEXT = b'"content":"', b'"text":"'
# Fields of a delta with text that the model produced besides `content`; servers use different names.
REASONING_FIELDS = ("reasoning_content", "reasoning")
MAX_REASON_CHARACTERS = 64
# Characters, about 64,000 tokens; checking more would hold up the other streams for too long.
MAX_TEXT_CHARACTERS = 256 * 1024
# Matches nothing: no event starts like this.
NOTHING = b"\0"
MAX_CHUNK_BYTES = 4096
# How a read ends when its last chunk ends with an event.
EVENT_AND_CHUNK_END = EVENT_END + b"\r\n"


def _size_line(length: int) -> bytes:
    """The size line of a chunk that is `length` bytes long in all: size line, data and the CR LF that ends it."""
    # chunk = chunk-size CRLF chunk-data CRLF, with the size in hexadecimal: RFC 9112, section 7.1
    # (https://www.rfc-editor.org/rfc/rfc9112#section-7.1). Capital digits or leading zeros take the slow way.
    for digits in range(1, 5):
        line = b"%x\r\n" % max(length - digits - 4, 0)
        if len(line) == digits + 2:
            return line
    return NOTHING


SIZE_LINES = tuple(_size_line(length) for length in range(MAX_CHUNK_BYTES))


class Answer:
    """What a streamed completion contains so far. Timestamps are monotonic seconds, None until observed."""

    __slots__ = (
        "_after", "_before", "_events", "_kept", "_kept_characters", "_lead", "_skims", "_trail", "chunks",
        "completion_tokens", "done", "error", "finish_reason", "first_token_at", "last_token_at", "malformed",
        "prompt_tokens",
    )

    def __init__(self, *, keeps_text: bool = False) -> None:
        self._events = EventStream()
        self._kept: list[str] | None = [] if keeps_text else None
        self._kept_characters = 0
        # After the first token plain pieces of text are only counted, unless the text is kept.
        self._skims = False
        # The bytes before and after the text in the payload of the last plain piece.
        self._before, self._after = NOTHING, b""
        # The same with the framing of event and chunk around it; set only between two events.
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
        """Lets `take_chunk` recognise the next event by the bytes around its text, if that is a single line."""
        if b"\n" not in self._before and b"\n" not in self._after:
            self._lead, self._trail = FIELD + self._before, self._after + EVENT_AND_CHUNK_END

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
        if not data.find(b'"', start) == end > start:
            return False
        if self._kept is not None:
            piece = data[start:end]
            text = "" if b"\\" in piece else piece.decode("utf-8", "replace")
            # Escapes, invalid UTF-8 and control characters are left to the parser.
            if not text.isprintable() or not text or "\ufffd" in text:
                return False
            self._keep(text)
        self.chunks += 1
        self.last_token_at = at
        return True

    def _is_plain(self, payload: bytes, at: float) -> bool:
        """True for a piece of text with new bytes around it, which are remembered; it was counted."""
        return _is_plain_token(payload) and self._learn(payload) and self._is_like_last(payload, at)

    def _learn(self, payload: bytes) -> bool:
        """Remembers the bytes around the text of a plain piece; False when it is cut off within its text."""
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
            self.finish_reason = reason[:MAX_REASON_CHARACTERS]
        delta = choice.get("delta")
        text = delta.get("content") if isinstance(delta, dict) else choice.get("text")
        if (text and isinstance(text, str)) or (isinstance(delta, dict) and _has_reasoning(delta)):
            self.chunks += 1
            self.last_token_at = at
            if self.first_token_at is None:
                self.first_token_at = at
                self._skims = self._kept is None
        if self._kept is not None and isinstance(text, str):
            self._keep(text)

    def _learn_kept(self, payload: bytes, choices: list[Any]) -> None:
        """Remembers the bytes around a text that is kept: only a parsed event shows which string is the text."""
        if len(choices) != 1:
            return
        name, holder = (CONTENT, choices[0].get("delta")) if CONTENT in payload else (TEXT, choices[0])
        text = holder.get(name[1:-3].decode()) if isinstance(holder, dict) else None
        if isinstance(text, str) and text and payload.count(name) == 1 and _is_plain_token(payload):
            self._learn(payload)

    def _keep(self, text: str) -> None:
        self._kept_characters += len(text)
        if self._kept_characters > MAX_TEXT_CHARACTERS:
            self._kept = None
            self._skims = True
        elif self._kept is not None:
            self._kept.append(text)

    @property
    def text(self) -> str | None:
        """The answer without reasoning; None when it was not kept, or was too long to keep."""
        return None if self._kept is None else "".join(self._kept)


def _is_plain_token(payload: bytes) -> bool:
    """True for an event that is certainly one more piece of text and nothing else."""
    # Not `in`, which first tries its left operand as an integer and takes five times as long.
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
