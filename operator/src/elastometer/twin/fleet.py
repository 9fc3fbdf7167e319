"""The replicas: requested, starting, serving, deleted, gone. What a Deployment, a ReplicaSet and their Pods do."""
from __future__ import annotations

from math import inf, log2

from elastometer.twin.prediction import PredictedReplica
from elastometer.twin.randomness import draw, stream
from elastometer.twin.replica import Replica
from elastometer.twin.scenario import RecordedRandomness, Scenario
from elastometer.twin.traffic import Traffic

NANOSECONDS = 1e9


class Fleet:
    """`active` are the replicas that have not been deleted, in order of creation; `serving` those of them that are
    Ready; `leaving` those that have been deleted but are not gone. `every` holds all that ever existed."""

    def __init__(self, scenario: Scenario, traffic: Traffic) -> None:
        self.scenario = scenario
        self.traffic = traffic
        self.size = 0
        self.every: list[Replica] = []
        self.active: list[Replica] = []
        self.serving: list[Replica] = []
        self.leaving: list[Replica] = []
        self.desired: list[tuple[float, int]] = []
        self.ready: list[tuple[float, int]] = []
        self._cold, self._scrape = stream(scenario.seed, "cold start"), stream(scenario.seed, "scrape")
        self._uid = stream(scenario.seed, "id")
        self._recorded = scenario.recorded or RecordedRandomness()
        self._begin(scenario.start_seconds)

    def _begin(self, at: float) -> None:
        """The first replicas, which have been Ready for a while."""
        self.size = self.scenario.initial_replicas
        for _ in range(self.size):
            self.serving.append(self._add(at, at, at - self.scenario.initial_age_seconds))
        self.desired.append((at, self.size))
        self.ready.append((at, self.size))

    def scale(self, at: float, size: int) -> list[Replica]:
        """Sets spec.replicas to `size` and returns the replicas that were created for it."""
        if size == self.size:
            return []
        self.size = size
        _append(self.desired, at, size)
        surplus = len(self.active) - size
        if surplus > 0:
            for replica in self._victims(at, surplus):
                self._delete(replica, at)
            _append(self.ready, at, len(self.serving))
            return []
        return [self._create(at) for _ in range(-surplus)]

    def becomes_ready(self, replica: Replica) -> bool:
        """Whether it serves from now on; a replica that was deleted while it was starting does not."""
        if replica.deleted < inf:
            return False
        self.serving.append(replica)
        _append(self.ready, replica.ready, len(self.serving))
        return True

    def present(self, at: float) -> list[Replica]:
        """All replicas that exist at `at`, the deleted ones last."""
        if self.leaving:
            self.leaving = [replica for replica in self.leaving if replica.gone > at]
        return self.active + self.leaving

    def predicted_replicas(self) -> tuple[PredictedReplica, ...]:
        """What became of each replica."""
        return tuple(
            PredictedReplica(
                replica.number, replica.created,
                max(replica.created, replica.ready) if replica.ready < replica.deleted else None,
                _unless_never(replica.deleted), _unless_never(replica.gone))
            for replica in self.every
        )

    def _create(self, at: float) -> Replica:
        scenario, made = self.scenario, len(self.every) - self.scenario.initial_replicas
        # Drawn even if the recorded cold start is used: later draws then are the same with and without a record.
        drawn = draw(scenario.cold_starts, self._cold)
        cold = self._recorded.starts[made] if made < len(self._recorded.starts) else drawn
        return self._add(at, at + min(cold, scenario.pending_seconds), at + cold)

    def _add(self, created: float, running_from: float, ready: float) -> Replica:
        number, recorded = len(self.every), self._recorded
        phase, uid_share = self._scrape.random(), self._uid.random()
        if number < len(recorded.phases):
            phase = phase if (known := recorded.phases[number]) is None else known
        if number < len(recorded.ids):
            uid_share = recorded.ids[number]
        replica = Replica(number, created, running_from, ready, phase, uid_share)
        self.every.append(replica)
        self.active.append(replica)
        return replica

    def _victims(self, at: float, count: int) -> list[Replica]:
        """The replicas that a scale-in deletes, in the order of the ReplicaSet controller (ActivePodsWithRanks in
        pkg/controller/controller_utils.go): first Pending, then not Ready, then the shortest time Ready. Times count
        in powers of two; among equals the uid decides, which is as good as random. Its rank by node is left out."""
        def order(replica: Replica) -> tuple[bool, bool, int, float]:
            is_ready = replica.ready <= at
            since = replica.ready if is_ready else replica.created
            return replica.running_from <= at, is_ready, _magnitude(at - since), replica.uid_share

        return sorted(self.active, key=order)[:count]

    def _delete(self, replica: Replica, at: float) -> None:
        self.active.remove(replica)
        if replica in self.serving:
            self.serving.remove(replica)
        replica.deleted = at
        replica.forget_pod()
        last_end = self.traffic.drain(replica, at, at + self.scenario.grace_seconds)
        replica.gone = max(at + self.scenario.drain_seconds, last_end)
        self.leaving.append(replica)


def _append(steps: list[tuple[float, int]], at: float, value: int) -> None:
    """Appends a step. Of several values at one instant the last one counts."""
    if steps[-1][0] == at:
        steps.pop()
    steps.append((at, value))


def _magnitude(seconds: float) -> int:
    """The power of two of a duration in nanoseconds, by which the ReplicaSet controller compares Pods."""
    return int(log2(seconds * NANOSECONDS)) if seconds > 0 else -1


def _unless_never(instant: float) -> float | None:
    return None if instant == inf else instant
