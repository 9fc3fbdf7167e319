"""How many tokens a replica's KV cache holds, from its scraped usage and the requests that were running."""
from __future__ import annotations

from statistics import median

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.bundle import SeriesName
from elastometer.model.capacity import Fitted
from elastometer.model.errors import SpecError
from elastometer.model.units import SECOND
from elastometer.twin.fit.pod_requests import PodRequests

# Below this usage, most of the value is the rounding to whole blocks.
MIN_SHARE = 0.01
MIN_OBSERVATIONS = 5


def fit_cache(evidence: Evidence) -> tuple[int, Fitted]:
    """The size in tokens. Raises SpecError if the usage was not scraped, or if requests do not name their Pod."""
    usage, requests = evidence.samples(SeriesName.KV_CACHE), PodRequests(evidence)
    pairs = [
        (value, held) for pod in (usage.series if usage else ()) for time, value in pod.samples if value >= MIN_SHARE
        if (held := _held(requests, pod.pod, (time - evidence.origin) / SECOND)) > 0
    ]
    if len(pairs) < MIN_OBSERVATIONS:
        raise SpecError(f"series: must hold at least {MIN_OBSERVATIONS} samples of vllm:kv_cache_usage_perc from times "
                        "at which requests that name their Pod were running, for the size of the KV cache to be known; "
                        f"hold {len(pairs)}")
    # Least squares of usage against tokens through the origin: samples with many tokens count for more.
    size = sum(held * held for _, held in pairs) / sum(value * held for value, held in pairs)
    error = 100 * median(abs(held / size - value) / value for value, held in pairs)
    return round(size), Fitted("KV cache", round(size), "tokens", "scraped usage against the tokens of the requests "
                               "that were running", round(error, 2), len(pairs))


def _held(requests: PodRequests, pod: str, at: float) -> float:
    """Tokens of the requests that were running on the Pod: their prompts and their output so far."""
    return sum(span.prompt + span.output_tokens(at) for span in requests.during(pod, at, at) if at < span.last)
