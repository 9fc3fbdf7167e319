"""The recorded requests of each Pod: those that ran within an interval. Seconds from the start of the load."""
from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.units import SECOND


@dataclass(frozen=True, slots=True)
class TokenSpan:
    """One request from its first token to its last; its tokens are taken to be spread evenly between them."""

    first: float
    last: float
    prompt: int
    tokens: int

    def output_tokens(self, at: float) -> float:
        """Output tokens until `at`, the first at once."""
        if at < self.first:
            return 0.0
        if at >= self.last:
            return float(self.tokens)
        return 1.0 + (self.tokens - 1) * (at - self.first) / (self.last - self.first)


class PodRequests:
    """The token spans of each Pod, in order of their first tokens."""

    def __init__(self, evidence: Evidence) -> None:
        self._spans: dict[str, list[TokenSpan]] = defaultdict(list)
        for record in evidence.requests:
            if record.pod is None or record.first_token is None or record.last_token is None:
                continue
            self._spans[record.pod].append(TokenSpan(
                (record.first_token - evidence.origin) / SECOND, (record.last_token - evidence.origin) / SECOND,
                record.prompt_tokens or 0, max(1, record.completion_tokens or 1)))
        for spans in self._spans.values():
            spans.sort(key=lambda span: span.first)
        self._firsts = {pod: [span.first for span in spans] for pod, spans in self._spans.items()}
        # How far before an interval a span that reaches into it can begin: it bounds the search of `during`.
        self._longest = max((span.last - span.first for spans in self._spans.values() for span in spans), default=0.0)

    def during(self, pod: str, start: float, end: float) -> Iterator[TokenSpan]:
        """The spans that overlap the interval from `start` to `end`."""
        spans, firsts = self._spans.get(pod, []), self._firsts.get(pod, [])
        low, high = bisect_left(firsts, start - self._longest), bisect_right(firsts, end)
        return (span for span in spans[low:high] if span.last >= start)
