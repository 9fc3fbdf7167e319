"""The replicas: asked for, starting, serving, told to go, gone. What a Deployment and its Pods do."""
from __future__ import annotations

from math import inf, log2

from elastometer.twin.prediction import ReplicaLife
from elastometer.twin.randomness import draw, stream
from elastometer.twin.replica import Replica
from elastometer.twin.scenario import RecordedChance, Scenario
from elastometer.twin.traffic import Traffic

NANOSECONDS = 1e9


class Fleet:
    """`active` are the replicas that were not told to go, in order of creation; `serving` those of them that are
    Ready; `leaving` those that go and are not gone."""

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
        self._id = stream(scenario.seed, "id")
        self._recorded = scenario.recorded or RecordedChance()
        self._begin(scenario.start_seconds)

    def _begin(self, at: float) -> None:
        """The first replicas have been Ready for a while."""
        self.size = self.scenario.initial_replicas
        for _ in range(self.size):
            self.serving.append(self._add(at, at, at - self.scenario.initial_age_seconds))
        self.desired.append((at, self.size))
        self.ready.append((at, self.size))

    def scale(self, at: float, size: int) -> list[Replica]:
        """spec.replicas becomes `size`; the replicas that were created for it."""
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
        """Whether it serves from now on; one that was told to go meanwhile does not."""
        if replica.deleted < inf:
            return False
        self.serving.append(replica)
        _append(self.ready, replica.ready, len(self.serving))
        return True

    def present(self, at: float) -> list[Replica]:
        """All that exist at `at`, those on their way out last."""
        if self.leaving:
            self.leaving = [one for one in self.leaving if one.gone > at]
        return self.active + self.leaving

    def lives(self) -> tuple[ReplicaLife, ...]:
        """What became of each."""
        return tuple(
            ReplicaLife(one.number, one.created, max(one.created, one.ready) if one.ready < one.deleted else None,
                        _unless_never(one.deleted), _unless_never(one.gone))
            for one in self.every
        )

    def _create(self, at: float) -> Replica:
        scenario, made = self.scenario, len(self.every) - self.scenario.initial_replicas
        drawn = draw(scenario.cold_starts, self._cold)
        cold = self._recorded.starts[made] if made < len(self._recorded.starts) else drawn
        return self._add(at, at + min(cold, scenario.pending_seconds), at + cold)

    def _add(self, created: float, running_from: float, ready: float) -> Replica:
        number, recorded = len(self.every), self._recorded
        phase, place = self._scrape.random(), self._id.random()
        if number < len(recorded.phases):
            phase = phase if (known := recorded.phases[number]) is None else known
        if number < len(recorded.ids):
            place = recorded.ids[number]
        replica = Replica(number, created, running_from, ready, phase, place)
        self.every.append(replica)
        self.active.append(replica)
        return replica

    def _victims(self, at: float, count: int) -> list[Replica]:
        """As the ReplicaSet controller ranks: Pending, not Ready, Ready for a shorter time (in powers of two, among
        equals by an id that is as good as drawn). Its rank by node is left out."""
        return sorted(self.active, key=lambda one: (
            one.running_from <= at, one.ready <= at, _rank(at - one.ready if one.ready <= at else at - one.created),
            one.place,
        ))[:count]

    def _delete(self, replica: Replica, at: float) -> None:
        self.active.remove(replica)
        if replica in self.serving:
            self.serving.remove(replica)
        replica.deleted = at
        replica.forget_look()
        over = self.traffic.lose(replica, at, at + self.scenario.grace_seconds)
        replica.gone = max(at + self.scenario.drain_seconds, over)
        self.leaving.append(replica)


def _append(steps: list[tuple[float, int]], at: float, value: int) -> None:
    """The last value at one instant counts."""
    if steps[-1][0] == at:
        steps.pop()
    steps.append((at, value))


def _rank(seconds: float) -> int:
    return int(log2(seconds * NANOSECONDS)) if seconds > 0 else -1


def _unless_never(instant: float) -> float | None:
    return None if instant == inf else instant
