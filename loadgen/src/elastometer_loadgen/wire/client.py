"""The streaming client: a pool of connections to one target, time-outs, and each exchange handed back exactly once.

A connection carries one request at a time. A lost request is a finding: it is sent again only where the profile says
so, and then its first attempt is kept. Names are resolved for every new connection, so that a changed set of addresses
takes effect.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from elastometer_loadgen import __version__
from elastometer_loadgen.base.clock import monotonic
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.base.retries import pause_seconds
from elastometer_loadgen.base.secret import pattern_of
from elastometer_loadgen.base.target import Target
from elastometer_loadgen.profile.profile import ConnectionPolicy, ConnectionRule
from elastometer_loadgen.wire.connection import Connection, Result
from elastometer_loadgen.wire.deadlines import Deadlines
from elastometer_loadgen.wire.ending import Ending
from elastometer_loadgen.wire.endpoints import Address, Endpoints
from elastometer_loadgen.wire.exchange import Exchange
from elastometer_loadgen.wire.flight import Flight
from elastometer_loadgen.wire.pool import Backend, Pool

NO_ENDPOINT = "no endpoint is known"
HIDDEN = "[key]"
# How long a body may stay open after its answer is over: nearly every server ends it with its next write, and its
# connection can then be used again.
OPEN_BODY_SECONDS = 0.01
# A request that the server rejects or answers in another form would end the same way again.
RETRYABLE_OUTCOMES = frozenset(Outcome) - {Outcome.SUCCESS, Outcome.CLIENT_ERROR, Outcome.MALFORMED}


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one request may take in all, and how long a stream that has begun may be silent, in seconds.

    Silence counts from the first byte of the body on: before that a request may simply be waiting in the server's
    queue.
    """

    total_seconds: float
    idle_seconds: float


@dataclass(frozen=True, slots=True)
class Route:
    """What all requests of a worker share: where they go, the rule for connections, and their constant headers."""

    target: Target
    path: str
    rule: ConnectionRule
    api_key: str | None = field(default=None, repr=False)
    run_id: str = "0"
    endpoints: Endpoints | None = None
    """The Pods' own addresses; only with SpreadOverPods."""
    retries: int = 0

    def addresses(self) -> tuple[Address, ...]:
        """The first addresses to connect to."""
        if self.endpoints is not None:
            return self.endpoints.addresses
        return (Address(self.target.host, self.target.port),)

    def head(self) -> bytes:
        """The request up to the headers that differ between requests."""
        lines = [
            f"POST {self.target.path}{self.path} HTTP/1.1",
            f"host: {self.target.authority}",
            f"user-agent: elastometer-load/{__version__}",
            "content-type: application/json",
            "accept: text/event-stream",
        ]
        if self.rule.policy is ConnectionPolicy.PER_REQUEST:
            lines.append("connection: close")
        if self.api_key is not None:
            lines.append(f"authorization: Bearer {self.api_key}")
        return "".join(f"{line}\r\n" for line in lines).encode()


class Client:
    """Sends exchanges to one target and hands each back, settled, exactly once."""

    def __init__(self, route: Route, limits: Limits, done: Callable[[Exchange], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._target = route.target
        self._limits = limits
        # The earliest age at which a request can be overdue.
        self._first_check_seconds = min(limits.total_seconds, limits.idle_seconds)
        self._done = done
        self._head = route.head()
        self._secret = None if route.api_key is None else pattern_of(route.api_key)
        self._retries = route.retries
        self._run_id = route.run_id
        self._pool = Pool(route.rule, route.addresses())
        self._flights: dict[Exchange, Flight] = {}
        self._deadlines = Deadlines(self._check_deadline)
        self._following: asyncio.Task[None] | None = None
        if route.endpoints is not None:
            self._following = self._loop.create_task(route.endpoints.follow(self._pool.follow))
            self._following.add_done_callback(self._report_end)

    @property
    def in_flight(self) -> int:
        """Exchanges sent and not yet handed back."""
        return len(self._flights)

    @property
    def open_sockets(self) -> int:
        """Connections that are open or being opened."""
        return self._pool.open_sockets

    def send(self, exchange: Exchange) -> None:
        """Sends at once, on an idle connection that may be reused or on a new one."""
        flight = self._flights[exchange] = Flight()
        backend = flight.backend = self._pool.choose()
        if backend is None:
            # Not within this call: callers do not expect an exchange back before `send` returns.
            flight.timer = self._loop.call_later(0, self._give_up, exchange, Ending.UNREACHABLE, NO_ENDPOINT)
            return
        flight.tick = self._deadlines.watch(exchange, exchange.send_at + self._first_check_seconds)
        connection = self._pool.take(backend, exchange.send_at)
        if connection is None:
            flight.opening = self._loop.create_task(self._open(exchange, flight, backend))
            return
        flight.connection = connection
        connection.begin(exchange, self._request(exchange))

    async def _open(self, exchange: Exchange, flight: Flight, backend: Backend) -> None:
        tls, (host, port) = self._target.tls, (backend.address.host, backend.address.port)
        connection, name = Connection(self), self._target.host if tls else None
        self._pool.add(connection, backend)
        try:
            await self._loop.create_connection(lambda: connection, host, port, ssl=tls, server_hostname=name)
            exchange.connect_at = monotonic()
        except OSError as error:
            if exchange.settle_unreachable(error, monotonic()):
                self._hand_back(exchange)
            return
        finally:
            # Also when this task was cancelled by a time-out, which is no OSError.
            if exchange.connect_at is None:
                self._pool.forget(connection)
        flight.connection = connection
        connection.begin(exchange, self._request(exchange))

    def ended(self, connection: Connection, exchange: Exchange, result: Result) -> None:
        """A connection has finished its exchange."""
        if result.reusable:
            self._pool.put(connection, result.at)
        else:
            connection.close()
        if exchange.settle(result.ending, result.at, result.error):
            self._hand_back(exchange)

    def over(self, exchange: Exchange) -> None:
        """The answer is over, and the end of its body should be on its way; a body that stays open is not awaited."""
        flight = self._flights[exchange]
        if flight.timer is None:
            flight.timer = self._loop.call_later(OPEN_BODY_SECONDS, self._give_up, exchange, Ending.LEFT_OPEN)

    def forget(self, connection: Connection) -> None:
        """A connection is gone."""
        self._pool.forget(connection)

    def close_idle(self, now: float) -> None:
        """Closes connections that were silent for too long to be reused; call it about once per second."""
        self._pool.close_idle(now)

    def close(self) -> None:
        """Drops everything, in flight or not; what was in flight is not handed back."""
        if self._following is not None:
            self._following.cancel()
        for flight in self._flights.values():
            flight.drop()
        self._flights.clear()
        self._deadlines.close()
        self._pool.close()

    def _report_end(self, following: asyncio.Task[None]) -> None:
        """Fails the run when the task failed: addresses without updates would look like addresses that never change."""
        if not following.cancelled() and (error := following.exception()) is not None:
            context = {"message": "the endpoints are no longer followed", "exception": error}
            self._loop.call_exception_handler(context)

    def _check_deadline(self, exchange: Exchange) -> None:
        """Ends an exchange that is overdue; one whose stream continues is checked again when it could be overdue."""
        flight = self._flights.get(exchange)
        if flight is None:
            return
        now, limits = monotonic(), self._limits
        last_heard = now if exchange.last_body_at is None else exchange.last_body_at
        end, silent = exchange.send_at + limits.total_seconds, last_heard + limits.idle_seconds
        if now >= end:
            self._give_up(exchange, Ending.TIMED_OUT, f"not over after {limits.total_seconds:g} s")
        elif now >= silent:
            self._give_up(exchange, Ending.STALLED, f"stream silent for {limits.idle_seconds:g} s")
        else:
            flight.tick = self._deadlines.watch(exchange, min(end, silent))

    def _give_up(self, exchange: Exchange, ending: Ending, error: str | None = None) -> None:
        self._flights[exchange].drop()
        if exchange.settle(ending, monotonic(), error):
            self._hand_back(exchange)

    def _hand_back(self, exchange: Exchange) -> None:
        flight = self._flights.pop(exchange, None)
        if flight is None:
            return
        self._deadlines.forget(exchange, flight.tick)
        if flight.timer is not None:
            flight.timer.cancel()
        if flight.backend is not None:
            flight.backend.in_flight -= 1
        if self._secret is not None and exchange.error is not None:
            # A server may repeat what it was sent, especially where it rejects the key.
            exchange.error = self._secret.sub(HIDDEN, exchange.error)
        if exchange.attempt <= self._retries and exchange.outcome in RETRYABLE_OUTCOMES:
            pause = pause_seconds(exchange.attempt, exchange.retry_headers, self._limits.total_seconds)
            # It stays in flight during the pause, so that the run waits for it.
            self._flights[exchange] = Flight(timer=self._loop.call_later(pause, self._send_again, exchange))
        else:
            self._done(exchange)

    def _send_again(self, exchange: Exchange) -> None:
        del self._flights[exchange]
        self.send(exchange.next_attempt(monotonic()))

    def _request(self, exchange: Exchange) -> bytes:
        body = exchange.prompt.body
        name = f"{exchange.prompt.fingerprint}-{exchange.arrival.id}-{self._run_id}"
        # Servers log this id; each attempt has its own, so that both can be found there.
        if exchange.attempt > 1:
            name += f"-{exchange.attempt}"
        return b"%bx-request-id: %b\r\ncontent-length: %d\r\n\r\n%b" % (
            self._head,
            name.encode(),
            len(body),
            body,
        )
