"""What happens to a request as it arrives: a fault strikes it, a queue limit refuses it, or it joins the queue.

`Admission` and `Server` need each other, so the import of `Server` is for type checking only.
"""

import time
import uuid
from typing import TYPE_CHECKING

from elastometer_standin.answers.compose import OtherCalls, compose, possible_faults
from elastometer_standin.api import ApiError, Call
from elastometer_standin.engine import Finish, Sequence
from elastometer_standin.http import Connection
from elastometer_standin.reply import JSON_TYPE, Draft, StreamReply, WholeReply
from elastometer_standin.settings import DrainRejection
from elastometer_standin.troubles.conditions import Bursts, Circumstance, Circumstances
from elastometer_standin.troubles.errors import ENGINE_DEAD, OUT_OF_MEMORY, log_out_of_memory
from elastometer_standin.troubles.faults import Fault, Faults
from elastometer_standin.troubles.strikes import UNHARMED, Strike, Strikes

if TYPE_CHECKING:
    from elastometer_standin.server import Server

IMMEDIATE_FAULTS = frozenset(
    {Fault.ERROR, Fault.UNAVAILABLE, Fault.OOM, Fault.ENGINE_DEAD, Fault.DROP, Fault.RESET_FIRST, Fault.MUTE}
)
"""Faults that strike before a request reaches the engine."""

Headers = list[tuple[str, str]]


class Admission:
    """The door of one server."""

    def __init__(self, server: "Server") -> None:
        settings = server.settings
        self._server = server
        self._ready = time.monotonic()
        self._bursts = Bursts()
        self.strikes = Strikes(Faults(settings.faults, settings.fault_seed, settings.conditions))
        self.other_calls = OtherCalls()

    def follow(self, under_way: int, now: float) -> None:
        """Note how many requests are under way; to be called whenever that changes."""
        self._bursts.follow(under_way, now)

    def admit(self, connection: Connection, call: Call, headers: Headers) -> int:
        """Put one call into the engine's queue, unless a fault strikes it at once; ApiError when it is refused.

        Returns the HTTP status of the reply that will follow.
        """
        server = self._server
        if server.is_dead:
            server.on_death()
            raise ApiError(500, ENGINE_DEAD)
        strike = self._strike(call, headers)
        if strike.fault is not None and strike.fault in IMMEDIATE_FAULTS:
            return self._fail_at_once(connection, call, strike.fault, headers)
        # Faults come first and limits last, so that a fault's rate does not depend on the load.
        if server.draining and server.settings.drain_rejection is DrainRejection.ERROR:
            raise ApiError(500, "EngineCore is shutting down")
        rejection = server.engine.rejection(call.prompt_tokens)
        if rejection is not None:
            server.catalog.on_rejection(rejection)
            raise ApiError(503, f"the request queue is full ({rejection.value}); try again later")
        sequence = self._sequence(connection, call, strike.fault, headers)
        server.enqueue(sequence, server.settings.delay_seconds if strike.is_delayed else 0.0)
        return 200

    def _strike(self, call: Call, headers: Headers) -> Strike:
        now = time.monotonic()
        burst_seconds = self._bursts.arrived(now)
        if not self.strikes.armed:
            return UNHARMED
        return self.strikes.on(
            call.key,
            dict(headers)["x-request-id"],
            lambda: possible_faults(call, self.other_calls),
            lambda: self._circumstances(call, burst_seconds, now),
        )

    def _circumstances(self, call: Call, burst_seconds: float, now: float) -> Circumstances:
        return {
            Circumstance.STREAMS: self._server.engine.unfinished + 1,
            Circumstance.PROMPT_TOKENS: call.prompt_tokens,
            Circumstance.PROMPT_CHARACTERS: len(call.question),
            Circumstance.MAX_TOKENS: call.max_tokens,
            Circumstance.TURN: call.turn,
            Circumstance.BURST_SECONDS: burst_seconds,
            Circumstance.UPTIME_SECONDS: now - self._ready,
        }

    def _sequence(self, connection: Connection, call: Call, fault: Fault | None, headers: Headers) -> Sequence:
        """The call as the engine sees it, with the reply that will carry its tokens."""
        settings = self._server.settings
        answer = compose(call, fault, self.other_calls, settings.answer_tokens, settings.label_words)
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
            on_gone=self._server.client_gone,
        )
        reply = StreamReply if call.stream else WholeReply
        sequence.sink = reply(connection, draft, sequence)
        return sequence

    def _fail_at_once(self, connection: Connection, call: Call, fault: Fault, headers: Headers) -> int:
        """Reply as the fault says, or never; returns the status of a reply that comes later."""
        server = self._server
        match fault:
            case Fault.ERROR:
                raise ApiError(500, "injected failure")
            case Fault.UNAVAILABLE:
                raise ApiError(503, "injected unavailability")
            case Fault.ENGINE_DEAD:
                server.die()
                raise ApiError(500, ENGINE_DEAD)
            case Fault.OOM:
                log_out_of_memory()
                # After the prefill, where memory runs out: clients that try again at once would storm the server.
                seconds = server.engine.pace.prefill_seconds(call.prompt_tokens, begins=True)
                body = ApiError(500, OUT_OF_MEMORY).body()
                server.loop.call_later(seconds, connection.respond, 500, body, [JSON_TYPE, *headers])
                return 500
            case Fault.DROP | Fault.RESET_FIRST:
                connection.cut(reset=fault is Fault.RESET_FIRST)
        return 200  # so it is counted where the connection ends without a reply, or is never answered (`mute`)
