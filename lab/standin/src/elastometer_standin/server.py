"""The running server: engine steps in real time, configuration at run time, statistics lines, the engine's death.

Everything happens on one event loop, so nothing here needs a lock, and anything slow delays every stream.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from elastometer_standin import log
from elastometer_standin.admission import Admission
from elastometer_standin.api import ApiError
from elastometer_standin.burn import burn_cpu
from elastometer_standin.catalog import Catalog
from elastometer_standin.configuration import Configuration, changed
from elastometer_standin.engine import Engine, Finish, Sequence
from elastometer_standin.gpu import Gpu
from elastometer_standin.http import Connection
from elastometer_standin.routes import Routes
from elastometer_standin.settings import Settings
from elastometer_standin.troubles.errors import ENGINE_DEAD, log_blocked_threads, log_death
from elastometer_standin.troubles.memory import Memory

CATCH_UP_SECONDS = 0.25
"""A delay longer than this is not caught up: the machine was suspended and not merely busy.

Catching up would follow it with a burst of steps that no accelerator could do.
"""
TIMER_GRAIN_SECONDS = 0.0005
"""uvloop rounds timers to whole milliseconds; this keeps a step from ending early."""
SWEEP_SECONDS = 0.25
"""How often idle and slow connections are looked for, and memory that may be given back."""
STATISTICS_SECONDS = 10.0
"""vLLM's VLLM_LOG_STATS_INTERVAL."""
WATCHDOG_SECONDS = 5.0
"""vLLM's VLLM_WATCHDOG_TIME_S: how often its API server looks whether the engine is alive."""


class Server:
    """The state of one server process. All of it belongs to one event loop."""

    def __init__(self, settings: Settings, loop: asyncio.AbstractEventLoop, started: float) -> None:
        self.settings = settings
        self.loop = loop
        self.catalog = Catalog(settings, started)
        self.engine = Engine(settings.limits, settings.pace, self.catalog)
        self.admission = Admission(self)
        self.memory = Memory(settings.hardware.memory)
        self.routes = Routes(self)
        self.connections: set[Connection] = set()
        self.unhealthy = self.refusing = self.draining = self.is_dead = False
        self.on_death: Callable[[], None] = lambda: None
        """Ends the process, once its engine is dead."""
        gibibytes = settings.hardware.gpu_memory_gibibytes
        self._gpu = Gpu(gibibytes, settings.pod_name) if gibibytes else None
        self._ready = time.monotonic()
        self._is_undisturbed = settings.hardware.is_undisturbed
        self._step_end: float | None = None
        self._statistics = (0.0, 0.0)
        self._was_busy = False
        self._silent = False
        self._declare_own_families()

    def _declare_own_families(self) -> None:
        """Families that vLLM does not have, where the settings ask for what they show."""
        own = self.catalog.own
        own += self._gpu.families if self._gpu else []
        own += [] if self.settings.hardware.memory.is_empty else [self.memory.family]
        own.append(self.admission.strikes.family)

    def protocol(self) -> Connection:
        """The protocol of a new connection, as `loop.create_server` wants it."""
        return Connection(self.routes, self.connections, self.loop)

    def begin(self) -> None:
        """Start what runs periodically: the sweep over connections and the statistics line."""
        self._warn_of_few_cores()
        self.loop.call_later(SWEEP_SECONDS, self._sweep)
        self.loop.call_later(STATISTICS_SECONDS, self._log_statistics)

    def enqueue(self, sequence: Sequence, delay_seconds: float) -> None:
        """Let a sequence join the queue, after the delay where there is one."""
        now = time.monotonic()
        self.memory.leak()
        if delay_seconds > 0 and not self.draining:
            self.engine.held.append(sequence)
            self.loop.call_later(delay_seconds, self._release, sequence)
        else:
            self.engine.add(sequence)
        self._follow(now)
        if self.draining:  # with DrainRejection.ABORT: 200 with finish_reason `abort` and no token
            self.engine.abort(sequence, now)
            sequence.sink.advance()
        elif self._step_end is None:  # the engine was idle; otherwise the request waits for the next step
            self._start_step(now)

    def client_gone(self, sequence: Sequence) -> None:
        """Take out of the engine what nobody waits for any more."""
        now = time.monotonic()
        self.engine.abort(sequence, now)
        self._follow(now)

    def abort_all(self) -> int:
        """End every open reply with finish_reason `abort`; returns how many there were."""
        now = time.monotonic()
        ended = self.engine.abort_all(now)
        for sequence in ended:
            sequence.sink.advance()
        self._follow(now)
        return len(ended)

    def die(self) -> None:
        """The engine is dead: every open reply fails. The process ends at the next request, or soon after."""
        log_death()
        self.is_dead = self.unhealthy = True
        error = ApiError(500, ENGINE_DEAD).body()
        for sequence in self.engine.abort_all(time.monotonic(), Finish.ERROR):
            sequence.sink.fail(error)
        self.loop.call_later(WATCHDOG_SECONDS, lambda: self.on_death())

    def silence(self) -> None:
        """From now on send no token and close no connection."""
        self._silent = True

    def configure(self, data: Mapping[str, Any]) -> None:
        """Change rates, pace or health while running. ValueError names what is wrong, and then nothing has changed."""
        new = changed(self._configuration(), data)
        self.admission.strikes.configure(new.faults)
        self.engine.pace = new.pace
        self.unhealthy, self.refusing = new.unhealthy, new.refuse

    def config_view(self) -> dict[str, Any]:
        """What `configure` can change, with its present values."""
        return self._configuration().view()

    def metrics_page(self) -> bytes:
        """All metrics as they are at this instant."""
        if self._gpu is not None:
            self._gpu.show(is_busy=self._step_end is not None)
        return self.catalog.render(self.engine)

    def _configuration(self) -> Configuration:
        return Configuration(self.admission.strikes.faults, self.engine.pace, self.unhealthy, self.refusing)

    def _release(self, sequence: Sequence) -> None:
        """Let a delayed sequence join the queue, unless it has ended in the meantime."""
        if sequence in self.engine.held:
            self.engine.held.remove(sequence)
            self.engine.add(sequence)
            if self._step_end is None:
                self._start_step(time.monotonic())

    def _follow(self, now: float) -> None:
        """Pass on how many requests there are, to what depends on it."""
        under_way = self.engine.unfinished
        self.memory.follow(under_way, now)
        self.admission.follow(under_way, now)

    def _start_step(self, start: float) -> None:
        end = self.engine.begin_step(start)
        self._step_end = None if end is None else self._stretched(start, end)
        if self._step_end is not None:
            self.loop.call_at(self._step_end + TIMER_GRAIN_SECONDS, self._finish_step)

    def _stretched(self, start: float, end: float) -> float:
        """When the step ends, given that the cores are few and that the engine stands still at times."""
        if self._is_undisturbed:
            return end
        hardware = self.settings.hardware
        finish, pauses = hardware.pauses.end_of(start - self._ready, (end - start) * hardware.step_factor)
        for _ in range(pauses):
            self.admission.strikes.note_pause()
        return self._ready + finish

    def _finish_step(self) -> None:
        """Hand out the tokens. The next step begins when this one was due, so that delays do not add up."""
        if self._silent:
            return
        now = time.monotonic()
        due = self._step_end if self._step_end is not None else now
        emitted = self.engine.end_step(now)
        for sequence in emitted:
            sequence.sink.advance()
        self._follow(now)
        self._start_step(due if now - due < CATCH_UP_SECONDS else now)
        # Only now that the tokens have left: the CPU time is part of the next step and delays no token of this one.
        burn_cpu(self.engine.pace.cpu_seconds(len(emitted)))

    def _sweep(self) -> None:
        if self._silent:
            return
        # One sweep for all and not a timer per connection: there may be thousands, and 0.25 s is exact enough.
        now = self.loop.time()
        for connection in list(self.connections):
            connection.expire(now)
        self.memory.follow(self.engine.unfinished, time.monotonic())
        self.loop.call_later(SWEEP_SECONDS, self._sweep)

    def _log_statistics(self) -> None:
        """Write vLLM's periodic line; none after two intervals in a row without a token."""
        prompt = self.catalog.value("vllm:prompt_tokens").value
        generation = self.catalog.value("vllm:generation_tokens").value
        rates = [
            (new - old) / STATISTICS_SECONDS for new, old in zip((prompt, generation), self._statistics, strict=True)
        ]
        busy = any(rates)
        if busy or self._was_busy:
            log.info(
                "loggers.py:273",
                f"Engine 000: Avg prompt throughput: {rates[0]:.1f} tokens/s, "
                f"Avg generation throughput: {rates[1]:.1f} tokens/s, "
                f"Running: {len(self.engine.running)} reqs, Waiting: {len(self.engine.waiting)} reqs, "
                f"GPU KV cache usage: {self.engine.kv_usage * 100:.1f}%, Prefix cache hit rate: 0.0%",
            )
            self._warn_of_few_cores()
        self._statistics, self._was_busy = (prompt, generation), busy
        self.loop.call_later(STATISTICS_SECONDS, self._log_statistics)

    def _warn_of_few_cores(self) -> None:
        hardware = self.settings.hardware
        if hardware.cores is not None and hardware.step_factor > 1:
            log_blocked_threads(hardware.api_servers, hardware.cores)
