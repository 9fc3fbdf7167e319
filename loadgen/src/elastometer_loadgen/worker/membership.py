"""A worker's part in its team: the common start, its records while the load runs, and its last report.

A worker that is alone starts at once and does not report.
"""

import asyncio
from typing import Any

from elastometer_loadgen.base.clock import Clock, monotonic
from elastometer_loadgen.base.notes import note
from elastometer_loadgen.journal.growing_file import GrowingFile
from elastometer_loadgen.journal.spool import Spool
from elastometer_loadgen.reporting.reporter import GaveUp, Reporter
from elastometer_loadgen.worker.assignment import Assignment

# Time for imports and the first wake-ups between the decision to start and the first arrival.
LEAD_SECONDS = 0.1
# Of the 30 s that a stopped Pod has by default (terminationGracePeriodSeconds): 10 s for requests in flight, 10 s for
# the last report, and a reserve.
LAST_REPORT_SECONDS = 10.0


class Membership:
    """`stopped` ends every wait. `ready_at` is when the worker was ready to send, in monotonic seconds."""

    def __init__(
        self, assignment: Assignment, spool: Spool, lines: GrowingFile | None, reporter: Reporter | None,
        stopped: asyncio.Event,
    ) -> None:
        self._assignment = assignment
        self._spool = spool
        self._lines = lines
        self._reporter = reporter
        self._stopped = stopped
        self._following: asyncio.Future[None] | None = None
        self.ready_at = monotonic()

    async def start_instant(self, clock: Clock, before: int | None) -> int | None:
        """The common start, in microseconds since 1970; None when stopped before it was known. Raises GaveUp.

        `before` is the start that an earlier incarnation had; a worker that is alone keeps to it.
        """
        if self._reporter is None:
            self.ready_at = monotonic()
            return clock.instant(self.ready_at + LEAD_SECONDS) if before is None else before
        waiting = asyncio.ensure_future(self._reporter.wait_for_start(self._assignment.workers))
        await wait_unless_stopped(self._stopped, waiting)
        if not waiting.done():
            waiting.cancel()
            return None
        # From here on the worker is ready: what it sends late counts as late and is not skipped. Measured before the
        # first send, so that a process that stalls after the common start is not excused.
        self.ready_at = monotonic()
        greeting = waiting.result()
        if greeting.stored > self._spool.size:
            raise GaveUp(
                f"the receiver holds {greeting.stored} bytes of this incarnation, but the spool has only "
                f"{self._spool.size}: the spool was lost; start the worker with another --incarnation"
            )
        return greeting.start

    def follow(self) -> None:
        """Reports records from now on, while they are written, and fingerprint lines where there are any."""
        if self._reporter is not None:
            self._following = asyncio.ensure_future(self._reporter.follow(self._spool, self._lines))

    async def report(self, summary: bytes) -> bool:
        """Reports what is left; False when no receiver took it."""
        if self._reporter is None:
            return True
        self._reporter.stop_following()
        try:
            # Only a stopped worker is in a hurry; otherwise the reporter's own patience is the limit.
            async with asyncio.timeout(LAST_REPORT_SECONDS if self._stopped.is_set() else None):
                if self._following is not None:
                    await self._following
                await self._reporter.finish(self._spool, summary, self._lines)
        except (GaveUp, TimeoutError) as error:
            note(f"{str(error) or 'no time is left to report'}; the records are in {self._spool.path}")
            return False
        return True

    @property
    def is_alone(self) -> bool:
        """True where only this worker's exit code says how it went."""
        return self._reporter is None


async def wait_unless_stopped(stopped: asyncio.Event, work: "asyncio.Future[Any]") -> None:
    """Returns when the work is done, or the event is set."""
    stopping = asyncio.ensure_future(stopped.wait())
    await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
