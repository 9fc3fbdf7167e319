"""How long to wait before trying again: growing, with jitter, bounded; tenacity's own strategy."""
from __future__ import annotations

from tenacity import RetryCallState, wait_random_exponential

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 10.0


class Backoff:
    """Waits for one thing that is tried again and again, as a watch is."""

    def __init__(self) -> None:
        self._wait = wait_random_exponential(multiplier=FIRST_SECONDS, max=LONGEST_SECONDS)
        self._attempts = 0

    def reset(self) -> None:
        """It worked: the next failure starts anew."""
        self._attempts = 0

    def next_seconds(self) -> float:
        """The wait after one more failure."""
        self._attempts += 1
        state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]
        state.attempt_number = self._attempts
        return float(self._wait(state))
