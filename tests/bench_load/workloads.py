"""The workloads that every client is given."""

from dataclasses import dataclass, replace

# Clients of many processes manage some hundred short requests a second, so they get this many times fewer.
SLOW_DIVISOR = 15


@dataclass(frozen=True, slots=True)
class Workload:
    """`rate` requests per second (open loop), or where that is 0 `streams` at a time (closed loop).

    The server waits `wait_ms` before the first token and `gap_ms` before each further one.
    """

    name: str
    tokens: int
    gap_ms: float
    wait_ms: float
    requests: int
    streams: int
    rate: float = 0.0

    def for_slow(self) -> "Workload":
        """The same workload with as many requests as a slow client can finish in time."""
        return self if self.rate else replace(self, requests=self.requests // SLOW_DIVISOR)


# A stream of 100 tokens lasts 2.03 s, so 50 a second keep 100 open and 250 a second keep 500 open.
PACED_100 = Workload("100 streams", 100, 20, 50, 300, 100, rate=50)
PACED_500 = Workload("500 streams", 100, 20, 50, 1500, 500, rate=250)
SHORT = Workload("short answers", 1, 0, 0, 20_000, 32)
LATENESS = Workload("300 requests/s", 20, 20, 50, 3600, 130, rate=300)
