"""How many tokens a replica's KV cache holds, out of its scraped usage and the requests that ran meanwhile."""
from __future__ import annotations

from statistics import median

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.bundle import SeriesName
from elastometer.model.errors import SpecError
from elastometer.model.units import SECOND
from elastometer.twin.fit.calibration import Fitted
from elastometer.twin.fit.pod_requests import Ran

# A usage below this is mostly rounding to whole blocks.
LEAST_SHARE = 0.01
FEWEST = 5


def fit_cache(evidence: Evidence) -> tuple[int, Fitted]:
    """Raises SpecError where the usage was not scraped, or requests do not name their Pod."""
    usage, ran = evidence.samples(SeriesName.KV_CACHE), Ran(evidence)
    pairs = [
        (value, held) for one in (usage.series if usage else ()) for time, value in one.samples if value >= LEAST_SHARE
        if (held := _held(ran, one.pod, (time - evidence.origin) / SECOND)) > 0
    ]
    if len(pairs) < FEWEST:
        raise SpecError("series: must hold vllm:kv_cache_usage_perc while requests that name their Pod ran, to tell "
                        f"the size of the KV cache; hold {len(pairs)} such samples")
    size = sum(held * held for _, held in pairs) / sum(value * held for value, held in pairs)
    error = 100 * median(abs(held / size - value) / value for value, held in pairs)
    return round(size), Fitted("KV cache", round(size), "tokens", "scraped usage against the tokens of the requests "
                               "that ran", round(error, 2), len(pairs))


def _held(ran: Ran, pod: str, at: float) -> float:
    """Tokens of the requests that ran on the Pod: their prompts and what they had made."""
    return sum(run.prompt + run.made(at) for run in ran.during(pod, at, at) if at < run.last)
