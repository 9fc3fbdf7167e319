"""How much of what the live controller decided our replay of its looks decides the same. Pure.

Each sync is stepped from the state that the live controller left, as far as it was seen: one miss makes no others.
"""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.hpa.decision import Decision
from elastometer.hpa.recording import RecordedSync, Recording


@dataclass(frozen=True, slots=True)
class Compared:
    """One sync, and what the replay makes of it. `differences` is empty where both agree; `cause` says why they may
    differ, and is empty where they agree. `known` is False where nothing was seen of what the controller decided."""

    sync: RecordedSync
    decision: Decision
    known: bool
    differences: tuple[str, ...] = ()
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    agreed: int
    of: int

    @property
    def percent(self) -> float | None:
        """None of nothing is no share."""
        return 100 * self.agreed / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class Fidelity:
    """One entry for each sync of the recording, in its order."""

    syncs: tuple[Compared, ...]

    @property
    def all(self) -> Share:
        """Every sync of which a decision is known."""
        return self._share(self.syncs)

    @property
    def seen(self) -> Share:
        """Syncs that left a write behind."""
        return self._share(tuple(one for one in self.syncs if one.sync.seen))

    @property
    def inferred(self) -> Share:
        """Syncs of which it is known that they changed nothing."""
        return self._share(tuple(one for one in self.syncs if not one.sync.seen))

    @property
    def misses(self) -> tuple[Compared, ...]:
        """Syncs at which the replay decides otherwise."""
        return tuple(one for one in self.syncs if one.differences)

    @staticmethod
    def _share(syncs: tuple[Compared, ...]) -> Share:
        known = [one for one in syncs if one.known]
        return Share(sum(not one.differences for one in known), len(known))


def fidelity(recording: Recording) -> Fidelity:
    """The replay beside what was observed."""
    raise NotImplementedError(f"the fidelity of {recording.name}")
