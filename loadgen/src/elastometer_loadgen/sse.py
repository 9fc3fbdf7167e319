"""Server-sent events out of bytes, however the network cut them. Pure.

Takes LF, CR LF and CR line ends, comments, fields other than `data` (passed over) and events of several data
lines. Payloads stay bytes: a character cut in two by the network is whole again before anyone decodes it.
"""

LONGEST_EVENT = 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class OversizedEvent(ValueError):
    """A line or an event beyond the bound: no language model answers like that."""


class EventStream:
    """Gathers bytes and gives the payloads of the events that became complete."""

    __slots__ = ("_data", "_partial", "_skip_newline", "_started")

    def __init__(self) -> None:
        self._partial = bytearray()
        # The data lines of the event under way, each with a newline behind it.
        self._data = bytearray()
        self._skip_newline = False
        self._started = False

    def feed(self, data: bytes) -> list[bytes]:
        """Payloads of the events that end within `data`; raises OversizedEvent."""
        if not self._partial and not self._data and not self._skip_newline and data.endswith(b"\n\n"):
            payloads = _whole_events(data)
            if payloads is not None:
                self._started = True
                return payloads
        return self._feed_lines(data)

    def _feed_lines(self, data: bytes) -> list[bytes]:
        if self._skip_newline and data:
            data = data[1:] if data[:1] == b"\n" else data
            self._skip_newline = False
        if b"\r" in data:
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
            self._partial += part
            self._check_length()

    def _take(self) -> bytes:
        line = bytes(self._partial)
        self._partial.clear()
        return line

    def _line(self, line: bytes) -> bytes | None:
        if not self._started:
            self._started = True
            line = line.removeprefix(BYTE_ORDER_MARK)
        if not line:
            payload = bytes(self._data[:-1]) if self._data else None
            self._data.clear()
            return payload
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data += value.removeprefix(b" ") + b"\n"
            self._check_length()
        return None

    def _check_length(self) -> None:
        if len(self._partial) + len(self._data) > LONGEST_EVENT:
            raise OversizedEvent(f"an event of the stream is longer than {LONGEST_EVENT} bytes")


def _whole_events(data: bytes) -> list[bytes] | None:
    """The shortcut for what nearly all servers send: whole events of one data line each; None when it is not
    that.
    """
    if b"\r" in data or len(data) > LONGEST_EVENT:
        return None
    if data.find(b"\n") == len(data) - 2 and data.startswith(b"data: "):
        return [data[6:-2]]
    payloads = []
    for block in data[:-2].split(b"\n\n"):
        if not block.startswith(b"data:") or b"\n" in block:
            return None
        payloads.append(block[6:] if block[5:6] == b" " else block[5:])
    return payloads
