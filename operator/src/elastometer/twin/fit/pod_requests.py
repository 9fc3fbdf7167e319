"""The recorded requests of each Pod: those that ran within an interval. Seconds count from the load's start."""
from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.units import SECOND


@dataclass(frozen=True, slots=True)
class Run:
    """From its first token to its last, a request makes its tokens evenly."""

    first: float
    last: float
    prompt: int
    tokens: int

    def made(self, at: float) -> float:
        """Tokens until `at`, the first at once."""
        if at < self.first:
            return 0.0
        if at >= self.last:
            return float(self.tokens)
        return 1.0 + (self.tokens - 1) * (at - self.first) / (self.last - self.first)


class Ran:
    """By Pod, in order of their first tokens."""

    def __init__(self, evidence: Evidence) -> None:
        self._runs: dict[str, list[Run]] = defaultdict(list)
        for record in evidence.requests:
            if record.pod is None or record.first_token is None or record.last_token is None:
                continue
            self._runs[record.pod].append(Run(
                (record.first_token - evidence.origin) / SECOND, (record.last_token - evidence.origin) / SECOND,
                record.prompt_tokens or 0, max(1, record.completion_tokens or 1)))
        for runs in self._runs.values():
            runs.sort(key=lambda one: one.first)
        self._firsts = {pod: [one.first for one in runs] for pod, runs in self._runs.items()}
        self._longest = max((one.last - one.first for runs in self._runs.values() for one in runs), default=0.0)

    def during(self, pod: str, start: float, end: float) -> Iterator[Run]:
        """Those that ran at some time from `start` to `end`."""
        runs, firsts = self._runs.get(pod, []), self._firsts.get(pod, [])
        low, high = bisect_left(firsts, start - self._longest), bisect_right(firsts, end)
        return (one for one in runs[low:high] if one.last >= start)
