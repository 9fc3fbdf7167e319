"""Decides which faults strike a request, and counts and logs them: the planted truth that a test compares with."""

from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass

from elastometer_standin import log
from elastometer_standin.metrics import Family, Value
from elastometer_standin.troubles.conditions import Circumstances
from elastometer_standin.troubles.faults import Fault, Faults

INJECTED_HELP = "Number of requests that each fault has struck, and of pauses of the engine, by fault."
PAUSE = "pause"
ALONE = frozenset({Fault.DELAY})
"""Faults that are drawn apart from all others, so that a request can be late as well as wrong."""


@dataclass(frozen=True, slots=True)
class Strike:
    """What happens to one request."""

    fault: Fault | None = None
    is_delayed: bool = False


UNHARMED = Strike()


class Strikes:
    """The faults of one server, and how often each has struck."""

    def __init__(self, faults: Faults) -> None:
        self.family = Family("standin_injected", "counter", INJECTED_HELP)
        self.injected: Counter[Fault] = Counter()
        self.configure(faults)

    @property
    def faults(self) -> Faults:
        """Rates, conditions and seed as they are now."""
        return self._faults

    def configure(self, faults: Faults) -> None:
        """Replace rates, conditions and seed; what has been counted stays."""
        self._faults, self.armed = faults, faults.armed
        for fault in self.armed:
            self._child(fault.value)

    def on(
        self, key: int, request_id: str, possible: Callable[[], Set[Fault]], circumstances: Callable[[], Circumstances]
    ) -> Strike:
        """What strikes the request with this key; `possible` and `circumstances` are asked only if anything can."""
        if not self.armed:
            return UNHARMED
        allowed = possible() & self._faults.allowed(circumstances(), self.injected)
        fault = self._faults.fault_for(key, allowed - ALONE)
        delay = self._faults.fault_for(key, allowed & ALONE)
        for one in (delay, fault):
            if one is not None:
                self._note(one, request_id)
        return Strike(fault, delay is not None)

    def note_pause(self) -> None:
        """Count a pause that held up a step of the engine."""
        child = self._child(PAUSE)
        child.inc()
        log.info("faults.py:1", f"engine: injected {PAUSE} ({child.value:.0f} so far)")

    def _note(self, fault: Fault, request_id: str) -> None:
        self.injected[fault] += 1
        self._child(fault.value).inc()
        log.info("faults.py:1", f"request {request_id}: injected {fault.value} ({self.injected[fault]} so far)")

    def _child(self, name: str) -> Value:
        child = self.family.children.setdefault((("fault", name),), Value())
        if not isinstance(child, Value):
            raise TypeError(f"{name} is counted by a histogram")
        return child
