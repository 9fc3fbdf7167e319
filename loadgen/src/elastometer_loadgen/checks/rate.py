"""How often checks failed, by stage, task and check, and the confidence interval of that rate. Pure."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

RATE_DECIMALS = 6
# The standard normal's quantile for a two-sided interval of 95 %.
Z_95 = 1.959963984540054


def wilson_interval(failed: int, judged: int) -> tuple[float, float]:
    """Wilson's score interval of a proportion at 95 %, for `judged` of at least 1.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American
    Statistical Association 22 (1927) 209-212; method 3 in R. G. Newcombe, Statistics in Medicine 17 (1998)
    857-872:  (2np + z² ± z √(z² + 4npq)) / 2(n + z²). Unlike the normal interval it is not empty at 0 of n.
    """
    share = failed / judged
    middle = 2 * failed + Z_95**2
    spread = Z_95 * math.sqrt(Z_95**2 + 4 * failed * (1 - share))
    below = 2 * (judged + Z_95**2)
    return max((middle - spread) / below, 0.0), min((middle + spread) / below, 1.0)


class CheckTally:
    """Counts of judged answers and of failures by kind, for every (stage, task, check)."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], Counter[str | None]] = {}

    def add(self, stage: str, task: str, findings: Mapping[str, str | None] | None) -> None:
        """Adds the findings of one request; None and empty mean that nothing was judged."""
        for check, failure in (findings or {}).items():
            self._found.setdefault((stage, task, check), Counter())[failure] += 1

    def rows(self, *, with_rates: bool) -> list[dict[str, Any]]:
        """One row per stage, task and check, in the order in which they first occurred; most frequent failures first.

        A rate describes all requests of a run, so a worker of a team leaves it out.
        """
        return [_row(*key, counts, with_rates=with_rates) for key, counts in self._found.items()]


def _row(stage: str, task: str, check: str, counts: Counter[str | None], *, with_rates: bool) -> dict[str, Any]:
    judged, failed = counts.total(), counts.total() - counts[None]
    failures = {str(failure): count for failure, count in counts.most_common() if failure is not None}
    row = {"stage": stage, "task": task, "check": check, "judged": judged, "failed": failed, "failures": failures}
    if with_rates:
        low, high = wilson_interval(failed, judged)
        row["failureRate"] = {
            "value": round(failed / judged, RATE_DECIMALS),
            "low": round(low, RATE_DECIMALS),
            "high": round(high, RATE_DECIMALS),
        }
    return row
