"""Memory and CPU as metrics.k8s.io served them, where Prometheus has no cAdvisor.

The recorder asks for what the autoscaler asks for, at the times of its syncs: so there is only the resource that the
HPA scales on, every 15 s, as a mean over the window of metrics-server.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.resources_used.quantities import Defined
from elastometer.analysis.resources_used.samples import Samples
from elastometer.hpa.quantity import approximate
from elastometer.model.names import SERVER
from elastometer.model.observation import MetricsSeen
from elastometer.model.resource_names import CONTAINER_CPU, WORKING_SET
from elastometer.model.units import SECOND

GROUP = "metrics.k8s.io"
_RESOURCES: Mapping[str, str] = {WORKING_SET: "memory", CONTAINER_CPU: "cpu"}
_WITNESS = f"the container `{SERVER}`, as metrics-server served it at a sync of the autoscaler"


@dataclass(frozen=True, slots=True)
class Measured:
    """A quantity with its samples; `defined` says by which source."""

    defined: Defined
    samples: Samples


def served(defined: Defined, evidence: Evidence) -> Measured | None:
    """The quantity by metrics.k8s.io; None where it was not read there."""
    resource = _RESOURCES.get(defined.name)
    readings = [one for one in evidence.readings if one.group == GROUP and resource in one.names]
    known = {pod.name for pod in evidence.pods}
    rows = [(sample.pod, evidence.seconds(one.received), value) for one in readings for sample in one.samples
            if sample.name == resource and sample.container == SERVER and (not known or sample.pod in known)
            and (value := _value(sample.value)) is not None]
    if resource is None or not rows:
        return None
    frame = pl.DataFrame(rows, schema={"pod": pl.Categorical, "seconds": pl.Float64, "value": pl.Float64}, orient="row")
    frame = frame.unique(["pod", "seconds"], keep="last").sort("pod", "seconds").with_columns(
        pl.lit(None, pl.Float64).alias("grown"))
    step = _step(readings)
    windows = [sample.window for one in readings for sample in one.samples if sample.window is not None]
    window = median(windows) / SECOND if windows else step
    samples = Samples(frame, (GROUP,), SERVER, step, round(step + window, 1))
    return Measured(replace(defined, metric=f"{GROUP} {resource}", witness=_WITNESS), samples)


def _value(text: str) -> float | None:
    try:
        return approximate(text)
    except ValueError:
        return None


def _step(readings: list[MetricsSeen]) -> float:
    """Between two readings."""
    times = sorted(one.received for one in readings)
    gaps = [(after - before) / SECOND for before, after in pairwise(times) if after > before]
    return round(median(gaps), 1) if gaps else 15.0
