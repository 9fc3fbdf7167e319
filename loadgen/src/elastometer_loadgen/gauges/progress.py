"""What a person sees while the load runs: one line per second, which a terminal overwrites."""

import asyncio
import os
import sys
from collections import deque

from elastometer_loadgen.base.clock import monotonic
from elastometer_loadgen.base.measures import nearest_rank
from elastometer_loadgen.base.notes import note
from elastometer_loadgen.base.record import MAX_ERROR_CHARACTERS, Outcome
from elastometer_loadgen.base.rejection import advice, is_rejection, named
from elastometer_loadgen.wire.exchange import Exchange

LINE_SECONDS = 1.0
RECENT_SECONDS = 5.0
# To sort more than this would hold up the loop for longer than the line is worth.
MAX_RECENT = 2_000
# A server that rejects everything does so at once; until then nothing else should be the first line of a log.
QUIET_SECONDS = 5.0
MAX_REJECTIONS = 5


class Progress:
    """Counts, and the times to first token of the last seconds. Writes to standard error.

    The first rejection of each status is written at once; `url` is where the requests go.
    """

    def __init__(self, planned: int, url: str = "") -> None:
        self.planned = planned
        self._url = url
        self._rejected: set[int | None] = set()
        self._first_sent_at: float | None = None
        self.stage = ""
        self.sent = 0
        self.succeeded = 0
        self.failed = 0
        self._recent: deque[tuple[float, float]] = deque(maxlen=MAX_RECENT)
        self._terminal = sys.stderr.isatty()

    def note_sent(self, stage: str) -> None:
        """A request of this stage was sent."""
        self.stage = stage
        self.sent += 1
        if self._first_sent_at is None:
            self._first_sent_at = monotonic()

    def note_done(self, exchange: Exchange) -> None:
        """A request is over."""
        if exchange.outcome is Outcome.SUCCESS:
            self.succeeded += 1
        else:
            self.failed += 1
            self._note_rejection(exchange)
        first = exchange.answer.first_token_at
        if first is not None:
            self._recent.append((first, first - exchange.send_at))

    def line(self, now: float) -> str:
        """The state in one line."""
        while self._recent and self._recent[0][0] < now - RECENT_SECONDS:
            self._recent.popleft()
        waits = sorted(seconds for _, seconds in self._recent)
        middle, high = nearest_rank(waits, 50), nearest_rank(waits, 99)
        ttft = "-" if middle is None or high is None else f"{middle * 1000:.0f} ms, p99 {high * 1000:.0f} ms"
        in_flight = self.sent - self.succeeded - self.failed
        return (
            f"{self.stage or 'waiting'}: sent {self.sent}/{self.planned}, in flight {in_flight}, "
            f"ok {self.succeeded}, failed {self.failed}, TTFT p50 {ttft}"
        )

    def _note_rejection(self, exchange: Exchange) -> None:
        status, error = exchange.status, exchange.error or "no message"
        is_new = status not in self._rejected and len(self._rejected) < MAX_REJECTIONS
        if is_new and exchange.outcome is not None and is_rejection(exchange.outcome, status):
            self._rejected.add(status)
            note(f"ERROR: {self._url} rejected a request with status {named(status)}: {error[:MAX_ERROR_CHARACTERS]}; "
                 f"{advice(status, error, self._url)}")

    async def show(self) -> None:
        """Prints until cancelled."""
        while True:
            await asyncio.sleep(LINE_SECONDS)
            if self._has_news(monotonic()):
                self.show_once()

    def _has_news(self, now: float) -> bool:
        if self._terminal or self.succeeded or self.failed:
            return True
        return self._first_sent_at is not None and now - self._first_sent_at >= QUIET_SECONDS

    def show_once(self, end: str = "") -> None:
        """Prints the line now; a terminal's line is overwritten by the next one."""
        line = self.line(monotonic())
        text = f"\r\x1b[2K{line}{end}" if self._terminal else f"{line}\n"
        print(text, end="", file=sys.stderr, flush=True)


class OutputLines:
    """Lines for standard output, until it is closed (a pipe into `head`); the run continues without them."""

    def __init__(self) -> None:
        self._open = True

    def write(self, line: str) -> None:
        """Writes one line, without buffering."""
        if not self._open:
            return
        try:
            print(line, flush=True)
        except OSError as error:
            self._open = False
            # Otherwise Python would try to flush the buffered rest at its end, and fail once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            note(f"no more fingerprint lines are written: {error}")
