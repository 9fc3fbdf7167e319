"""Connections that wait to be used again, by the address that they lead to, and which address is next.

Reuse, PerRequest and MaxAge know one address: the target's, a name that the network spreads over pods as it likes.
SpreadOverPods knows each pod: least in flight first, and among equals the one that has waited longest.
"""

import math
from collections.abc import Iterable
from operator import attrgetter

from elastometer_loadgen.profile.profile import ConnectionPolicy, ConnectionRule
from elastometer_loadgen.wire.connection import Connection
from elastometer_loadgen.wire.endpoints import Address

# vLLM's server closes a connection after 5 s of silence; a request sent into that closing is lost through no
# fault of the server, so a connection silent for this long is not used again.
IDLE_REUSE_SECONDS = 4.0
# Of what a server announces as its own patience (Keep-Alive: timeout=…), so much is used.
IDLE_REUSE_SHARE = 0.8


_LOAD = attrgetter("in_flight", "turn")


class Backend:
    """One address, its idle connections, the last used on top, and its requests in flight.

    `is_wanted` until the address is no longer one of the server's.
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
        self._oldest_seconds = math.inf if rule.max_age_seconds is None else rule.max_age_seconds
        if rule.policy is ConnectionPolicy.PER_REQUEST:
            self._oldest_seconds = 0
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
        """From now on these are the addresses. Requests in flight to others go on; no new one goes there."""
        wanted = dict.fromkeys(addresses)
        for address in self._backends.keys() - wanted.keys():
            backend = self._backends.pop(address)
            backend.is_wanted = False
            _close_all(backend)
        for address in wanted:
            self._backends.setdefault(address, Backend(address))
        self._only = next(iter(self._backends.values())) if len(self._backends) == 1 else None

    def choose(self) -> Backend | None:
        """The backend for the next request, which is counted on it; None when there is none at all."""
        if not self._backends:
            return None
        backend = self._only if self._only is not None else min(self._backends.values(), key=_LOAD)
        self._turns += 1
        backend.turn = self._turns
        backend.in_flight += 1
        return backend

    def take(self, backend: Backend, now: float) -> Connection | None:
        """An idle connection that may be used again."""
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
        """An exchange is over and its connection may carry another, if the rule and the address still stand."""
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
        """Closes connections that were silent for too long to be used again."""
        for backend in self._backends.values():
            for connection in [one for one in backend.idle if self._is_stale(one, now)]:
                backend.idle.remove(connection)
                connection.close()

    def close(self) -> None:
        """Closes all idle connections."""
        for backend in self._backends.values():
            _close_all(backend)

    def _is_stale(self, connection: Connection, now: float) -> bool:
        patience = IDLE_REUSE_SECONDS
        if connection.server_patience is not None:
            patience = min(patience, connection.server_patience * IDLE_REUSE_SHARE)
        return now - connection.idle_since > patience

    def _is_young(self, connection: Connection, now: float) -> bool:
        return now - connection.opened_at < self._oldest_seconds


def _close_all(backend: Backend) -> None:
    for connection in backend.idle:
        connection.close()
    backend.idle.clear()
