"""Idle connections by the address that they lead to, and the choice of the next address.

Reuse, PerRequest and MaxAge know one address, the target's, which the network may spread over Pods in its own way.
SpreadOverPods knows every Pod: the one with the least in flight is next, and of equals the one that waited longest.
"""

import math
from collections.abc import Iterable
from operator import attrgetter

from elastometer_loadgen.profile.profile import ConnectionPolicy, ConnectionRule
from elastometer_loadgen.wire.connection import Connection
from elastometer_loadgen.wire.endpoints import Address

# vLLM's HTTP server closes a connection after 5 s of silence (uvicorn's --timeout-keep-alive,
# https://www.uvicorn.org/settings/). A request that is sent at that moment is lost through no fault of the server, so
# a connection that was silent for this long is not reused.
IDLE_REUSE_SECONDS = 4.0
# The share of the time that a server announces (Keep-Alive: timeout=…) for which its connections are reused.
IDLE_REUSE_SHARE = 0.8

_LOAD = attrgetter("in_flight", "turn")


class Backend:
    """One address: its idle connections, the most recently used one last, and the number of its requests in flight.

    `is_wanted` until the address is no longer one of the server's; `turn` is when it was chosen last, as a count.
    """

    __slots__ = ("address", "idle", "in_flight", "is_wanted", "turn")

    def __init__(self, address: Address) -> None:
        self.address = address
        self.idle: list[Connection] = []
        self.in_flight = 0
        self.turn = 0
        self.is_wanted = True


class Pool:
    """All backends of one client."""

    def __init__(self, rule: ConnectionRule, addresses: Iterable[Address]) -> None:
        self._max_age_seconds = math.inf if rule.max_age_seconds is None else rule.max_age_seconds
        if rule.policy is ConnectionPolicy.PER_REQUEST:
            self._max_age_seconds = 0
        self._backends: dict[Address, Backend] = {}
        self._homes: dict[Connection, Backend] = {}
        self._turns = 0
        self._only: Backend | None = None
        self.follow(addresses)

    @property
    def open_sockets(self) -> int:
        """Connections that are open or being opened."""
        return len(self._homes)

    def follow(self, addresses: Iterable[Address]) -> None:
        """Replaces the addresses. Requests in flight to others continue; new ones do not go there."""
        wanted = dict.fromkeys(addresses)
        for address in self._backends.keys() - wanted.keys():
            backend = self._backends.pop(address)
            backend.is_wanted = False
            _close_all(backend)
        for address in wanted:
            self._backends.setdefault(address, Backend(address))
        self._only = next(iter(self._backends.values())) if len(self._backends) == 1 else None

    def choose(self) -> Backend | None:
        """The backend for the next request, which counts as in flight there; None when there is no backend."""
        if not self._backends:
            return None
        # One address is the usual case, and needs no comparison.
        backend = self._only if self._only is not None else min(self._backends.values(), key=_LOAD)
        self._turns += 1
        backend.turn = self._turns
        backend.in_flight += 1
        return backend

    def take(self, backend: Backend, now: float) -> Connection | None:
        """An idle connection that may be reused; None without one."""
        # The most recently used one first: the others grow old and are closed, so that few sockets stay open.
        while backend.idle:
            connection = backend.idle.pop()
            if not self._is_stale(connection, now) and connection.is_open and self._is_young(connection, now):
                return connection
            connection.close()
        return None

    def add(self, connection: Connection, backend: Backend) -> None:
        """A connection to this backend is being opened."""
        self._homes[connection] = backend

    def put(self, connection: Connection, now: float) -> None:
        """An exchange is over, and its connection may carry another one if rule and addresses still allow it."""
        home = self._homes.get(connection)
        if home is not None and home.is_wanted and self._is_young(connection, now):
            home.idle.append(connection)
        else:
            connection.close()

    def forget(self, connection: Connection) -> None:
        """A connection is gone."""
        home = self._homes.pop(connection, None)
        if home is not None and connection in home.idle:
            home.idle.remove(connection)

    def close_idle(self, now: float) -> None:
        """Closes connections that were silent for too long to be reused."""
        for backend in self._backends.values():
            for connection in [idle for idle in backend.idle if self._is_stale(idle, now)]:
                backend.idle.remove(connection)
                connection.close()

    def close(self) -> None:
        """Closes all idle connections."""
        for backend in self._backends.values():
            _close_all(backend)

    def _is_stale(self, connection: Connection, now: float) -> bool:
        limit = IDLE_REUSE_SECONDS
        if connection.server_idle_seconds is not None:
            limit = min(limit, connection.server_idle_seconds * IDLE_REUSE_SHARE)
        return now - connection.idle_since > limit

    def _is_young(self, connection: Connection, now: float) -> bool:
        return now - connection.opened_at < self._max_age_seconds


def _close_all(backend: Backend) -> None:
    for connection in backend.idle:
        connection.close()
    backend.idle.clear()
