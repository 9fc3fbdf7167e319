"""What is asked of every client."""

from dataclasses import dataclass, replace

# Programs of many processes answer some hundred short requests a second: fewer are asked of them.
SLOW_SHARE = 15


@dataclass(frozen=True, slots=True)
class Workload:
    """`rate` requests per second (open loop), or 0 and then `streams` at a time (closed loop).

    The server waits `wait_ms` before the first token and `gap_ms` before each other one.
    """

    name: str
    tokens: int
    gap_ms: float
    wait_ms: float
    requests: int
    streams: int
    rate: float = 0.0

    def for_slow(self) -> "Workload":
        """The same with as many requests as a slow program gets through in time."""
        return self if self.rate else replace(self, requests=self.requests // SLOW_SHARE)


# A stream of 100 tokens lasts 2.03 s, so 50 a second hold 100 open and 250 a second hold 500 open.
PACED_100 = Workload("100 streams", 100, 20, 50, 300, 100, rate=50)
PACED_500 = Workload("500 streams", 100, 20, 50, 1500, 500, rate=250)
SHORT = Workload("short answers", 1, 0, 0, 20_000, 32)
LATENESS = Workload("300 requests/s", 20, 20, 50, 3600, 130, rate=300)
