"""What of the GPU memory that vLLM reserves at its start is really filled: weights, and the used part of the KV cache.

Both amounts are in its log, in GiB, a line for each worker process. The amount in use that DCGM counts says little: it
is nearly all that `--gpu-memory-utilization` allows, from the start on.
"""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.resources_used.quantities import FILLED
from elastometer.analysis.resources_used.samples import Samples
from elastometer.analysis.resources_used.served import Measured
from elastometer.analysis.starts.loglines import plain_line
from elastometer.model.observation import LogSeen

_GIBIBYTE = 2 ** 30
_GIB = r"(\d+(?:\.\d+)?) GiB"
_WEIGHTS = re.compile("Model loading took " + _GIB)
_SPACE = re.compile("Available KV cache memory: " + _GIB)


@dataclass(frozen=True, slots=True)
class Reserved:
    """Bytes of one replica: all its workers together."""

    weights: float
    cache: float


def reserved(lines: Sequence[LogSeen]) -> Reserved | None:
    """Of a Pod's log, as its last start states it; None where a line is missing."""
    weights, cache = _stated(lines, _WEIGHTS), _stated(lines, _SPACE)
    return Reserved(sum(weights.values()), sum(cache.values())) if weights and cache else None


def _stated(lines: Sequence[LogSeen], pattern: re.Pattern[str]) -> Mapping[str, float]:
    """Worker -> bytes. A container that started again states them again, by the same workers."""
    found: dict[str, float] = {}
    for seen in lines:
        if (match := pattern.search(seen.line)) is not None:
            found[plain_line(seen).process_name] = float(match[1]) * _GIBIBYTE
    return found


def filled(cache: Samples | None, evidence: Evidence, *, has_gpu: bool) -> Measured | None:
    """Weights and the used part of the cache, of the Pods whose log states both. None without samples of the cache's
    use in percent, or where no GPU is known of: on a CPU the same lines are about the memory of the container."""
    if cache is None or not has_gpu:
        return None
    parts = {pod: part for pod, lines in evidence.logs.items() if (part := reserved(lines)) is not None}
    if not parts:
        return None
    pod = pl.col("pod").cast(pl.String)
    weights = pod.replace_strict({name: part.weights for name, part in parts.items()}, return_dtype=pl.Float64)
    space = pod.replace_strict({name: part.cache for name, part in parts.items()}, return_dtype=pl.Float64)
    frame = cache.frame.filter(pod.is_in(list(parts))).with_columns(
        (weights + space * pl.col("value") / 100).alias("value"))
    if frame.is_empty():
        return None
    return Measured(FILLED, Samples(frame, cache.jobs, None, cache.step_seconds, cache.resolution_seconds))
