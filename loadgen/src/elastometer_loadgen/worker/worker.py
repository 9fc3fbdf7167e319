"""One worker from its start to its end: wait for the common start, send its share, record, report, sum up."""

import asyncio
from bisect import bisect_right

from elastometer_loadgen.base.clock import Clock, monotonic
from elastometer_loadgen.base.notes import note
from elastometer_loadgen.base.record import format_record
from elastometer_loadgen.base.users import FIRST_CLOSED_ID
from elastometer_loadgen.drive.conversations import Conversations, planned_requests, unfinished_conversations
from elastometer_loadgen.drive.stage_runner import StageRunner
from elastometer_loadgen.drive.timers import Timers
from elastometer_loadgen.gauges.fingerprint_lines import LinesWritten
from elastometer_loadgen.gauges.inspection import Inspection
from elastometer_loadgen.gauges.meters import Meters
from elastometer_loadgen.gauges.progress import Progress
from elastometer_loadgen.gauges.vitals import Vitals
from elastometer_loadgen.journal.journal import Journal, JournalError
from elastometer_loadgen.journal.knee_record import knee_document
from elastometer_loadgen.journal.spool import Spool
from elastometer_loadgen.plan.prompts import Prompt, PromptSource
from elastometer_loadgen.plan.schedule import Arrival, compute_schedule
from elastometer_loadgen.reporting.reporter import GaveUp, Reporter
from elastometer_loadgen.results.summary import Summary, finished_earlier
from elastometer_loadgen.wire.client import Client, Limits
from elastometer_loadgen.wire.exchange import Exchange
from elastometer_loadgen.worker.assignment import Assignment
from elastometer_loadgen.worker.membership import LEAD_SECONDS, Membership, wait_unless_stopped
from elastometer_loadgen.worker.process import ExitCode, describe_loop_error, prepare_process
from elastometer_loadgen.worker.resumption import begin_or_resume

STANDALONE = "standalone"
# Of the 30 s that a stopped Pod has by default: 10 s for requests in flight, 10 s for the last report, and a reserve.
DRAIN_SECONDS = 10.0


class Worker:
    """Carries out one assignment; every request ends in one line of the spool."""

    def __init__(self, assignment: Assignment, spool: Spool, reporter: Reporter | None = None) -> None:
        self._assignment = assignment
        self._spool = spool
        self._clock = Clock()
        self._schedule = compute_schedule(assignment.profile)
        self._prompts = PromptSource(assignment.profile, assignment.model, self._schedule.first_ids)
        self._vitals = Vitals(assignment.profile.lateness_bound_milliseconds)
        self._lines = LinesWritten(assignment.profile.fingerprints, assignment.out)
        self._inspection = Inspection(assignment.profile.fingerprints, spool.tally, self._lines.write)
        self._journal = Journal(assignment.out, assignment.incarnation, self._clock)
        self._stopped = asyncio.Event()
        self._membership = Membership(assignment, spool, self._lines.file, reporter, self._stopped)
        self._unwritten: list[bytes] = []
        self._all_ended = asyncio.Event()
        self._all_ended.set()
        self._runner: StageRunner | None = None
        self._failure: str | None = None
        self._client: Client | None = None
        self._timers = Timers(asyncio.get_running_loop())
        self._conversations = Conversations(assignment.profile.seed, self._prompts, self._send_turn, self._timers)
        self._before = unfinished_conversations(spool.conversations, self._prompts.turns)
        planned = planned_requests(self._schedule, self._prompts, (assignment.worker, assignment.workers), spool)
        self._progress = Progress(planned, assignment.url)
        self._sent_closed = 0
        self.meters = Meters()
        self._done_before = len(spool.ids)

    def stop(self) -> None:
        """Ends the sending; requests in flight get up to DRAIN_SECONDS."""
        self._stopped.set()

    async def run(self) -> ExitCode:
        """Returns when everything is recorded and reported, or cannot be."""
        try:
            return await self._run()
        finally:
            self._timers.close()
            self._lines.close()

    async def _run(self) -> ExitCode:
        # An error in a callback has no caller: without this handler the run would wait for its request forever.
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self._fail(describe_loop_error(context)))
        try:
            start = await self._membership.start_instant(self._clock, self._journal.start)
        except GaveUp as error:
            note(str(error))
            return ExitCode.NOT_CARRIED_OUT
        if start is None:
            note("stopped before the start")
            return ExitCode.NOT_CARRIED_OUT
        finished = finished_earlier(self._assignment.out, self._assignment.incarnation)
        if finished is not None:
            # Its own summary: the empty lateness of a new one would hide that the earlier incarnation fell behind.
            note("everything was sent before the restart; only the report is sent again")
            reported = await self._membership.report(finished.data)
            return self._exit_code(carried_out=reported, fell_behind=finished.fell_behind)
        profile, spool, journal = self._assignment.profile, self._spool, self._journal
        if not begin_or_resume(profile, spool, journal, self._before, start=start, clock=self._clock):
            return ExitCode.NOT_CARRIED_OUT
        prepare_process()
        begin = self._clock.monotonic_of(start)
        # Half of the lead is left to create the client and its tasks before the first arrival.
        await self._sleep(begin - monotonic() - LEAD_SECONDS / 2)
        share = self._assignment.share(self._schedule, spool.ids, self._prompts.turns)
        runner = self._runner = StageRunner(share, self._send, journal=journal, timers=self._timers)
        complete = await self._carry_out(runner, start, begin)
        journal.close()
        summary = self._sum_up(runner, start)
        # Saved first: a worker that is killed while it reports finds this file and reports again.
        reported = await self._membership.report(summary.save(self._assignment.out))
        return self._exit_code(carried_out=complete and reported, fell_behind=summary.fell_behind)

    async def _carry_out(self, runner: StageRunner, start: int, begin: float) -> bool:
        """Sends and drains; True when every arrival that was left was sent and has its record."""
        profile, route = self._assignment.profile, self._assignment.route(run_id=f"{start // 1000:x}")
        limits = Limits(profile.timeout_seconds, profile.idle_timeout_seconds)
        client = self._client = Client(route, limits, self._ended)
        chores = [asyncio.ensure_future(task) for task in (self._progress.show(), self._close_idle_connections())]
        self._membership.follow()
        self._vitals.start(lambda: client.open_sockets)
        self.meters.offered, self.meters.in_flight = lambda: self._offered(runner), lambda: client.in_flight
        self.meters.late = lambda: self._vitals.late
        running = asyncio.ensure_future(runner.run(begin, self._membership.ready_at))
        await wait_unless_stopped(self._stopped, running)
        runner.stop()
        all_sent = await self._was_all_sent(running)
        await self._drain()
        for chore in chores:
            chore.cancel()
        client.close()
        self._write()
        return all_sent and self._all_ended.is_set() and not self._conversations.cut and self._failure is None

    async def _was_all_sent(self, running: "asyncio.Future[bool]") -> bool:
        await asyncio.wait({running})
        error = running.exception()
        if error is not None:
            self._fail(str(error) if isinstance(error, JournalError) else f"the load stopped early: {error!r}")
        return error is None and running.result()

    def _offered(self, runner: StageRunner) -> int:
        """Requests of this worker that were due by now; those of closed loops are sent as they become due."""
        due = bisect_right(self._schedule.times, monotonic() - runner.begin)
        return len(range(self._assignment.worker, due, self._assignment.workers)) + self._sent_closed

    def _send(self, arrival: Arrival, intended_at: float) -> None:
        prompt = self._prompts.of(arrival)
        if arrival.id >= FIRST_CLOSED_ID:
            self._sent_closed += 1
            self._progress.planned += 1 + len(prompt.further)
        self._transmit(arrival, prompt, intended_at)

    def _send_turn(self, arrival: Arrival, prompt: Prompt, intended_at: float) -> None:
        self._sent_closed += 1
        if self._runner is not None:
            self._runner.sending(arrival, intended_at)
        self._transmit(arrival, prompt, intended_at)

    def _transmit(self, arrival: Arrival, prompt: Prompt, intended_at: float) -> None:
        exchange = Exchange(arrival, prompt, intended_at, monotonic())
        self._vitals.sent(exchange.send_at - intended_at)
        self._progress.note_sent(arrival.stage)
        self.meters.note_sent(arrival.stage, prompt.task)
        self._all_ended.clear()
        if self._client is not None and self._runner is not None:
            self._client.send(self._runner.noted(exchange))

    def _ended(self, exchange: Exchange) -> None:
        self._progress.note_done(exchange)
        self.meters.note_ended(exchange)
        self._vitals.client_exhausted |= exchange.client_exhausted
        record = exchange.record(self._clock, self._assignment.worker, *self._inspection.inspect(exchange))
        if not self._unwritten:
            # Requests that end in the same turn of the loop are written together: one write costs as much CPU as making
            # one record. Still within that turn, so a killed process loses no request that ended before it.
            asyncio.get_running_loop().call_soon(self._write)
        self._unwritten.append(format_record(record))
        continues = self._conversations.ended(exchange)
        if self._runner is not None:
            self._runner.ended(exchange, continues=continues)
        self._note_if_all_ended()

    def _write(self) -> None:
        if not self._unwritten:
            return
        lines = b"".join(self._unwritten)
        self._unwritten.clear()
        try:
            self._lines.flush()
            self._spool.append(lines)
        except OSError as error:
            self._fail(f"records could not be written: {error}")

    def _note_if_all_ended(self) -> None:
        if self._client is not None and self._client.in_flight == self._conversations.waiting == 0:
            self._all_ended.set()

    async def _drain(self) -> None:
        """Lets requests in flight end by themselves; a stopped worker waits for a limited time."""
        ending = asyncio.ensure_future(self._all_ended.wait())
        await wait_unless_stopped(self._stopped, ending)
        if not ending.done():
            self._conversations.stop()
            self._note_if_all_ended()
        if not self._all_ended.is_set():
            note(f"stopped: waiting up to {DRAIN_SECONDS:g} s for requests in flight")
            await asyncio.wait({ending}, timeout=DRAIN_SECONDS)
        ending.cancel()

    async def _close_idle_connections(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            if self._client is not None:
                self._client.close_idle(monotonic())

    def _sum_up(self, runner: StageRunner, start: int) -> Summary:
        summary = Summary(
            worker=self._assignment.worker, incarnation=self._assignment.incarnation or STANDALONE,
            planned=self._progress.planned + runner.missed + runner.cut, sent=self._done_before + self._progress.sent,
            skipped=self._before.skipped_turns + runner.skipped + runner.missed,
            unsent_turns=self._before.unsent_turns + self._conversations.unsent_turns, capped_users=runner.capped_users,
            records=self._spool.records,
            url=self._assignment.url, warnings=list(self._assignment.profile.warnings),
            start=start, end=self._clock.instant(monotonic()),
            signs=self._vitals.stop(), client_exhausted=self._vitals.client_exhausted,
            bound_milliseconds=self._assignment.profile.lateness_bound_milliseconds,
            knees=[knee_document(knee, self._clock) for knee in runner.knees],
            checks=self._inspection.tally.rows(with_rates=self._assignment.workers == 1),
            interruptions=self._journal.interruptions, lines_left_out=self._lines.left_out,
        )
        self._progress.show_once("\n")
        return summary

    def _fail(self, reason: str) -> None:
        if self._failure is None:
            self._failure = reason
            note(reason)
        self.stop()

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._stopped.wait()
        except TimeoutError:
            return

    def _exit_code(self, *, carried_out: bool, fell_behind: bool) -> ExitCode:
        """A receiver has it from the summary; an exit code as well would only make the Job start the worker again."""
        if not carried_out:
            return ExitCode.NOT_CARRIED_OUT
        return ExitCode.FELL_BEHIND if fell_behind and self._membership.is_alone else ExitCode.CARRIED_OUT
