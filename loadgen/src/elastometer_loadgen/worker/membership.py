"""A worker's part in its team: the common start, its records while the load runs, and its last report.

A worker that is alone starts at once and reports to nobody.
"""

import asyncio
from typing import Any

from elastometer_loadgen.base.clock import Clock, monotonic
from elastometer_loadgen.base.notes import note
from elastometer_loadgen.journal.spool import Spool
from elastometer_loadgen.reporting.reporter import GaveUp, Reporter
from elastometer_loadgen.worker.assignment import Assignment

# Room for imports and first wake-ups between the decision to start and the first arrival.
LEAD_SECONDS = 0.1
# A stopped pod has 30 s by default: so long for the last report; answers under way have as long, and a reserve is left.
LAST_REPORT_SECONDS = 10.0


class Membership:
    """`stopped` ends every wait. `there_at` is when the worker was ready to send, monotonic."""

    def __init__(self, assignment: Assignment, spool: Spool, reporter: Reporter | None, stopped: asyncio.Event) -> None:
        self._assignment = assignment
        self._spool = spool
        self._reporter = reporter
        self._stopped = stopped
        self._following: asyncio.Future[None] | None = None
        self.there_at = monotonic()

    async def start_instant(self, clock: Clock, before: int | None) -> int | None:
        """The common start, in microseconds since 1970; None when stopped before it was known. Raises GaveUp.

        `before` is the start of an earlier life of a worker: one that is alone keeps to it.
        """
        if self._reporter is None:
            self.there_at = monotonic()
            return clock.instant(self.there_at + LEAD_SECONDS) if before is None else before
        waiting = asyncio.ensure_future(self._reporter.wait_for_start(self._assignment.workers))
        await unless(self._stopped, waiting)
        if not waiting.done():
            waiting.cancel()
            return None
        # From here on this worker is there: what it sends late is late, and not skipped.
        self.there_at = monotonic()
        greeting = waiting.result()
        if greeting.stored > self._spool.size:
            raise GaveUp(
                f"the receiver holds {greeting.stored} bytes of this incarnation, but the spool has only "
                f"{self._spool.size}: the spool was lost; start with another --incarnation"
            )
        return greeting.start

    def follow(self) -> None:
        """Reports records from now on, as they come."""
        if self._reporter is not None:
            self._following = asyncio.ensure_future(self._reporter.follow(self._spool))

    async def report(self, summary: bytes) -> bool:
        """Reports what is left; False when there was nobody to take it."""
        if self._reporter is None:
            return True
        self._reporter.stop_following()
        try:
            async with asyncio.timeout(LAST_REPORT_SECONDS if self._stopped.is_set() else None):
                if self._following is not None:
                    await self._following
                await self._reporter.finish(self._spool, summary)
        except (GaveUp, TimeoutError) as error:
            note(f"{str(error) or 'no time left to report'}; the records are in {self._spool.path}")
            return False
        return True

    @property
    def is_alone(self) -> bool:
        """True where nobody but this worker's exit code tells how it went."""
        return self._reporter is None


async def unless(stopped: asyncio.Event, work: "asyncio.Future[Any]") -> None:
    """Returns when the work is done, or the event is set."""
    stopping = asyncio.ensure_future(stopped.wait())
    await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
