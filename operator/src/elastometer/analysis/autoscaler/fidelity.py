"""At how many syncs the replay decides as the live controller did. Pure.

Each sync is replayed from the state that the live controller left, as far as it was seen, so that one miss does not
cause others.
"""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.hpa.decision import Condition, Decision
from elastometer.hpa.limits import remember
from elastometer.hpa.recording import Observed, RecordedSync, Recording
from elastometer.hpa.settings import HpaSpec
from elastometer.hpa.state import State, restarted
from elastometer.hpa.step import step

UNEXPLAINED = "no difference is known between the record and what the controller saw"


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
    """How many of how many agreed."""

    agreed: int
    of: int

    @property
    def percent(self) -> float | None:
        """None if there was nothing to compare."""
        return 100 * self.agreed / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class Fidelity:
    """One entry for each sync of the recording, in its order."""

    syncs: tuple[Compared, ...]

    @property
    def all(self) -> Share:
        """Every sync whose live decision is known."""
        return self._share(self.syncs)

    @property
    def seen(self) -> Share:
        """Syncs that left a write."""
        return self._share(tuple(one for one in self.syncs if one.sync.seen))

    @property
    def inferred(self) -> Share:
        """Syncs that are known to have changed nothing."""
        return self._share(tuple(one for one in self.syncs if not one.sync.seen))

    @property
    def misses(self) -> tuple[Compared, ...]:
        """Syncs at which the replay decides differently."""
        return tuple(one for one in self.syncs if one.differences)

    @staticmethod
    def _share(syncs: tuple[Compared, ...]) -> Share:
        known = [one for one in syncs if one.known]
        return Share(sum(not one.differences for one in known), len(known))


def fidelity(recording: Recording) -> Fidelity:
    """Each sync as replayed, compared with what was observed."""
    state = State()
    compared: list[Compared] = []
    for sync in recording.syncs:
        before = restarted(state) if sync.restarted else state
        state, decision = step(before, recording.spec, sync.input)
        known = sync.observed.desired is not None
        differences = _differences(sync.observed, decision)
        cause = "; ".join(sync.doubts) or UNEXPLAINED if differences else ""
        compared.append(Compared(sync, decision, known, differences, cause))
        if differences:
            state = _anchored(before, state, recording.spec, sync)
    return Fidelity(tuple(compared))


def _differences(observed: Observed, decision: Decision) -> tuple[str, ...]:
    found = []
    if observed.desired is not None and observed.desired != decision.desired:
        found.append(f"replicas: live {observed.desired}, replayed {decision.desired}")
    if observed.conditions is not None:
        for name in sorted({*observed.conditions, *decision.conditions}):
            live, mine = observed.conditions.get(name), decision.conditions.get(name)
            if live != mine:
                found.append(f"{name}: live {_words(live)}, replayed {_words(mine)}")
    return tuple(found)


def _words(condition: Condition | None) -> str:
    return "absent" if condition is None else f"{condition.status} {condition.reason}"


def _anchored(before: State, after: State, spec: HpaSpec, sync: RecordedSync) -> State:
    """The state with what the live controller did instead of what the replay did. Its recommendations before
    stabilization are not published, so those of the replay stay."""
    observed, current = sync.observed, sync.input.spec_replicas
    if observed.desired is None or observed.conditions is None:
        return after
    ups, downs, change = before.scale_ups, before.scale_downs, observed.desired - current
    if spec.behavior is not None and change > 0:
        ups = remember(ups, spec.behavior.scale_up, sync.input.at, change)
    elif spec.behavior is not None and change < 0:
        downs = remember(downs, spec.behavior.scale_down, sync.input.at, -change)
    return State(after.recommendations, ups, downs, observed.conditions, observed.desired)
