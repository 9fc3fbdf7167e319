"""The running server: engine steps in real time, admission, configuration at run time, statistics lines.

Everything happens on one event loop, so nothing here needs a lock, and anything slow delays every stream.
"""

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from elastometer_standin import log
from elastometer_standin.answers.compose import OtherCalls, compose, possible_faults
from elastometer_standin.api import ApiError, Call
from elastometer_standin.burn import burn_cpu
from elastometer_standin.catalog import Catalog
from elastometer_standin.engine import Engine, Finish, Sequence
from elastometer_standin.http import Connection
from elastometer_standin.reply import Draft, StreamReply, WholeReply
from elastometer_standin.routes import Routes
from elastometer_standin.settings import DrainRejection, Pace, Settings
from elastometer_standin.troubles.faults import Fault, Faults, parse_rates

CATCH_UP_SECONDS = 0.25
"""A delay longer than this is not caught up: the machine was suspended and not merely busy.

Catching up would follow it with a burst of steps that no accelerator could do.
"""
TIMER_GRAIN_SECONDS = 0.0005
"""uvloop rounds timers to whole milliseconds; this keeps a step from ending early."""
SWEEP_SECONDS = 0.25
"""How often idle and slow connections are looked for."""
IMMEDIATE_FAULTS = frozenset({Fault.ERROR, Fault.UNAVAILABLE, Fault.DROP, Fault.RESET_FIRST, Fault.MUTE})
"""Faults that strike before a request reaches the engine."""
STATISTICS_SECONDS = 10.0
"""vLLM's VLLM_LOG_STATS_INTERVAL."""


class Server:
    """The state of one server process. All of it belongs to one event loop."""

    def __init__(self, settings: Settings, loop: asyncio.AbstractEventLoop, started: float) -> None:
        self.settings = settings
        self.loop = loop
        self.catalog = Catalog(settings, started)
        self.engine = Engine(settings.limits, settings.pace, self.catalog)
        self.faults = Faults(settings.faults, settings.fault_seed)
        self.routes = Routes(self)
        self.connections: set[Connection] = set()
        self.other_calls = OtherCalls()
        self.unhealthy = False
        self.refusing = False
        self.draining = False
        self._step_end: float | None = None
        self._statistics = (0.0, 0.0)
        self._was_busy = False
        self._silent = False

    def protocol(self) -> Connection:
        """The protocol of a new connection, as `loop.create_server` wants it."""
        return Connection(self.routes, self.connections, self.loop)

    def begin(self) -> None:
        """Start what runs periodically: the sweep over connections and the statistics line."""
        self.loop.call_later(SWEEP_SECONDS, self._sweep)
        self.loop.call_later(STATISTICS_SECONDS, self._log_statistics)

    def admit(self, connection: Connection, call: Call, headers: list[tuple[str, str]]) -> None:
        """Put one call into the engine's queue, unless a fault strikes it at once; ApiError when it is refused."""
        fault = None
        if self.faults.armed:
            fault = self.faults.fault_for(call.key, possible_faults(call, self.other_calls))
        if fault is not None:
            log.info("faults.py:1", f"request {dict(headers)['x-request-id']}: injected {fault.value}")
        if fault is not None and fault in IMMEDIATE_FAULTS:
            _fail_at_once(connection, fault)
            return
        # Faults come first and limits last, so that a fault's rate does not depend on the load.
        if self.draining and self.settings.drain_rejection is DrainRejection.ERROR:
            raise ApiError(500, "EngineCore is shutting down")
        rejection = self.engine.rejection(call.prompt_tokens)
        if rejection is not None:
            self.catalog.on_rejection(rejection)
            raise ApiError(503, f"the request queue is full ({rejection.value}); try again later")
        self._enqueue(connection, call, fault, headers)

    def _enqueue(self, connection: Connection, call: Call, fault: Fault | None, headers: list[tuple[str, str]]) -> None:
        answer = compose(call, fault, self.other_calls, self.settings.answer_tokens)
        self.other_calls.note(call)
        ending = Finish.LENGTH if answer.cut else Finish.STOP
        sequence = Sequence(call.prompt_tokens, answer.tokens, ending, time.monotonic(), call.max_tokens)
        draft = Draft(
            call=call,
            reply_id=f"{'chatcmpl' if call.chat else 'cmpl'}-{uuid.uuid4().hex[:16]}",
            created=int(time.time()),
            pieces=answer.pieces,
            fault=fault,
            headers=headers,
            on_gone=self._client_gone,
        )
        reply = StreamReply if call.stream else WholeReply
        sequence.sink = reply(connection, draft, sequence)
        self.engine.add(sequence)
        if self.draining:  # with DrainRejection.ABORT: 200 with finish_reason `abort` and no token
            self.engine.abort(sequence, time.monotonic())
            sequence.sink.advance()
        elif self._step_end is None:  # the engine was idle; otherwise the request waits for the next step
            self._start_step(time.monotonic())

    def abort_all(self) -> int:
        """End every open reply with finish_reason `abort`; returns how many there were."""
        ended = self.engine.abort_all(time.monotonic())
        for sequence in ended:
            sequence.sink.advance()
        return len(ended)

    def silence(self) -> None:
        """From now on send no token and close no connection."""
        self._silent = True

    def configure(self, data: Mapping[str, Any]) -> None:
        """Change rates, pace or health while running. ValueError names what is wrong, and then nothing has changed."""
        known = {"rates", "seed", "pace", "unhealthy", "refuse"}
        unknown = sorted(set(data) - known)
        if unknown:
            raise ValueError(f"{unknown[0]!r} is unknown; must be one of {', '.join(sorted(known))}")
        rates = {**self.faults.rates, **parse_rates(_mapping(data, "rates"))}
        pace = changed_pace(self.engine.pace, _mapping(data, "pace"))
        seed = data.get("seed", self.faults.seed)
        flags = {name: data.get(name, default) for name, default in self._flags().items()}
        if not isinstance(seed, int) or not all(isinstance(flag, bool) for flag in flags.values()):
            raise ValueError("seed must be an integer; unhealthy and refuse must be true or false")
        # Everything is valid by here, so a request that is refused has changed nothing.
        self.faults = Faults(rates, seed)
        self.engine.pace = pace
        self.unhealthy, self.refusing = flags["unhealthy"], flags["refuse"]

    def config_view(self) -> dict[str, Any]:
        """What `configure` can change, with its present values."""
        rates = {fault.value: self.faults.rates.get(fault.value, 0.0) for fault in Fault}
        return {"rates": rates, "seed": self.faults.seed, "pace": asdict(self.engine.pace), **self._flags()}

    def _flags(self) -> dict[str, bool]:
        return {"unhealthy": self.unhealthy, "refuse": self.refusing}

    def _client_gone(self, sequence: Sequence) -> None:
        self.engine.abort(sequence, time.monotonic())

    def _start_step(self, start: float) -> None:
        self._step_end = self.engine.begin_step(start)
        if self._step_end is not None:
            self.loop.call_at(self._step_end + TIMER_GRAIN_SECONDS, self._finish_step)

    def _finish_step(self) -> None:
        """Hand out the tokens. The next step begins when this one was due, so that delays do not add up."""
        if self._silent:
            return
        now = time.monotonic()
        due = self._step_end if self._step_end is not None else now
        emitted = self.engine.end_step(now)
        for sequence in emitted:
            sequence.sink.advance()
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
        self._statistics, self._was_busy = (prompt, generation), busy
        self.loop.call_later(STATISTICS_SECONDS, self._log_statistics)


def _fail_at_once(connection: Connection, fault: Fault) -> None:
    match fault:  # `mute` needs no case: the request stays open and is never answered
        case Fault.ERROR:
            raise ApiError(500, "injected failure")
        case Fault.UNAVAILABLE:
            raise ApiError(503, "injected unavailability")
        case Fault.DROP | Fault.RESET_FIRST:
            connection.cut(reset=fault is Fault.RESET_FIRST)


def _mapping(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name, {})
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} must be an object, got {type(value).__name__}")
    return value


def changed_pace(pace: Pace, changes: Mapping[str, Any]) -> Pace:
    """`pace` with some fields replaced; ValueError names a field that is unknown or not positive."""
    known = asdict(pace)
    for name, value in changes.items():
        if name not in known:
            raise ValueError(f"pace.{name} is unknown; must be one of {', '.join(sorted(known))}")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise ValueError(f"pace.{name} must be a number of at least 0, got {value!r}")
        if name == "prefill_tokens_per_second" and value <= 0:
            raise ValueError(f"pace.{name} must be greater than 0, got {value!r}")
    return replace(pace, **changes)
