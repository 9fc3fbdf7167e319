"""Times in which the engine stands still, as under a long garbage collection. Pure: instants are passed in."""

from dataclasses import dataclass
from math import floor


@dataclass(frozen=True, slots=True)
class Pauses:
    """The engine works for `every_seconds - seconds`, then stands still for `seconds`, and so on; 0 is never.

    The first pause begins `every_seconds` after the instant 0.
    """

    seconds: float = 0.0
    every_seconds: float = 0.0

    def end_of(self, start: float, work_seconds: float) -> tuple[float, int]:
        """When work that begins at `start` is done, and how many pauses it had to sit through."""
        if self.seconds <= 0 or self.every_seconds <= 0:
            return start + work_seconds, 0
        # Counted in whole periods and not by adding up instants, so that no rounding repeats or skips a pause.
        period, at, met = floor(start / self.every_seconds), start, 0
        over = period * self.every_seconds + self.seconds
        if period >= 1 and at < over:
            at, met = over, 1
        while at + work_seconds > (period + 1) * self.every_seconds:
            period += 1
            work_seconds -= max(0.0, period * self.every_seconds - at)
            at, met = period * self.every_seconds + self.seconds, met + 1
        return at + work_seconds, met
