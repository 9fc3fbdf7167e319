"""How long to wait before the next attempt: growing, bounded and with jitter, by tenacity's own strategy."""
from __future__ import annotations

from tenacity import RetryCallState, wait_random_exponential

FIRST_SECONDS = 0.5
MAX_SECONDS = 10.0


class Backoff:
    """The waits of one thing that is attempted indefinitely, such as a watch."""

    def __init__(self) -> None:
        self._wait = wait_random_exponential(multiplier=FIRST_SECONDS, max=MAX_SECONDS)
        self._attempts = 0

    def reset(self) -> None:
        """It worked: the next failure waits as the first one did."""
        self._attempts = 0

    def next_seconds(self) -> float:
        """The wait after one more failure."""
        self._attempts += 1
        # tenacity gives its waits only to a retried call; this loop is not one, so it hands over the count alone.
        state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]
        state.attempt_number = self._attempts
        return float(self._wait(state))
