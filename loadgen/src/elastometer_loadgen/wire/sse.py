"""Server-sent events from bytes, however the network cut them. Pure.

Accepts what the standard does (https://html.spec.whatwg.org/multipage/server-sent-events.html): LF, CR LF and CR line
ends, a byte-order mark, comments, events of several data lines. Payloads stay bytes, so a character that the network
cut in two is complete again before it is decoded. Fields other than `data` are ignored, but for those in which servers
state an error: an event with the name `error`, a field with that name, and an object that stands there without a field.
"""

MAX_EVENT_BYTES = 1024 * 1024
NOTHING = b""
# The framing of an event with one data line, which is all that nearly every server sends.
FIELD, EVENT_END = b"data: ", b"\n\n"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# A comment has no name.
WITHOUT_MEANING = frozenset({b"", b"id", b"retry"})
MAX_STRAY_BYTES, MAX_BEGUN_BYTES = 1024, 64


class OversizedEvent(ValueError):
    """A line or an event beyond the limit, which no language model sends."""


class ErrorEvent(bytes):
    """The payload of an event that is an error by its name."""

    __slots__ = ()


class EventStream:
    """Collects bytes and returns the payloads of the events that became complete."""

    __slots__ = ("_data", "_is_error", "_partial", "_skip_newline", "_started", "stray")

    def __init__(self) -> None:
        # The shared empty bytes until more is needed, which most streams never do: it saves an object per request.
        self._partial: bytes | bytearray = NOTHING
        # The data lines of the current event, each followed by a newline.
        self._data: bytes | bytearray = NOTHING
        self._skip_newline = False
        self._started = False
        self._is_error = False
        self.stray: bytes = NOTHING
        """The beginning of what came in lines that belong to no event."""

    def feed(self, data: bytes) -> list[bytes]:
        """Payloads of the events that end within `data`; raises OversizedEvent."""
        if not (self._partial or self._data or self._skip_newline or self._is_error) and data.endswith(EVENT_END):
            payloads = _whole_events(data)
            if payloads is not None:
                self._started = True
                return payloads
        return self._feed_lines(data)

    @property
    def is_between_events(self) -> bool:
        """True when the next byte begins a new event."""
        return self._started and not (self._partial or self._data or self._skip_newline or self._is_error)

    @property
    def begun(self) -> bytes:
        """The data of the event that is not complete yet; nothing once it is long."""
        if len(self._partial) + len(self._data) > MAX_BEGUN_BYTES:
            return NOTHING
        name, _, value = bytes(self._partial).partition(b":")
        return bytes(self._data) + (value if name == b"data" else NOTHING)

    def keep_stray(self, text: bytes) -> None:
        """Adds what was said beside the answer, up to a limit."""
        if len(self.stray) < MAX_STRAY_BYTES:
            self.stray += text[:MAX_STRAY_BYTES] + b" "

    def _feed_lines(self, data: bytes) -> list[bytes]:
        if self._skip_newline and data:
            data = data[1:] if data[:1] == b"\n" else data
            self._skip_newline = False
        if data.find(b"\r") >= 0:
            self._skip_newline = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = data.split(b"\n")
        self._keep(lines[0])
        if len(lines) == 1:
            return []
        lines[0] = self._take()
        self._keep(lines.pop())
        return [payload for line in lines if (payload := self._line(line)) is not None]

    def _keep(self, part: bytes) -> None:
        if part:
            self._partial = self._partial or bytearray()
            self._partial += part
            self._check_length()

    def _take(self) -> bytes:
        line = bytes(self._partial)
        self._partial = NOTHING
        return line

    def _line(self, line: bytes) -> bytes | None:
        if not self._started:
            self._started = True
            line = line.removeprefix(BYTE_ORDER_MARK)
        if not line:
            return self._end_event()
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data = self._data or bytearray()
            self._data += value.removeprefix(b" ") + b"\n"
            self._check_length()
        elif name == b"event":
            self._is_error = value.strip() == b"error"
        elif name == b"error":
            return ErrorEvent(value)
        elif name.replace(b" ", NOTHING) == b'{"error"':
            return ErrorEvent(line)
        elif name not in WITHOUT_MEANING:
            self.keep_stray(line)
        return None

    def _end_event(self) -> bytes | None:
        payload, is_error = bytes(self._data[:-1]), self._is_error
        has_data = bool(self._data)
        self._data, self._is_error = NOTHING, False
        if is_error:
            return ErrorEvent(payload)
        return payload if has_data else None

    def _check_length(self) -> None:
        if len(self._partial) + len(self._data) > MAX_EVENT_BYTES:
            raise OversizedEvent(f"an event of the stream is longer than {MAX_EVENT_BYTES} bytes")


def _whole_events(data: bytes) -> list[bytes] | None:
    """A shortcut for what nearly every server sends: whole events of one data line each; None for anything else."""
    # Not `in`, which first tries its left operand as an integer and takes five times as long.
    if not data.startswith(FIELD) or data.find(b"\r") >= 0 or len(data) > MAX_EVENT_BYTES:
        return None
    payloads = data[len(FIELD) : -len(EVENT_END)].split(EVENT_END + FIELD)
    # Two line ends per event mean that there is none within an event.
    return payloads if data.count(b"\n") == 2 * len(payloads) else None
