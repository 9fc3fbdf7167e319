"""How old the autoscaler's numbers are, and how much CPU a token costs.

Both come from the recorder's readings of the metrics APIs, which show what the autoscaler would have read at about the
same time.
"""
from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from statistics import linear_regression, median

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.hpa.quantity import milli_units
from elastometer.model.capacity import Fitted
from elastometer.model.errors import SpecError
from elastometer.model.units import SECOND
from elastometer.twin.fit.pod_requests import PodRequests
from elastometer.twin.scenario import MetricsPath

RESOURCE_GROUP = "metrics.k8s.io"
# metrics-server's default --metric-resolution, if the record does not show another.
DEFAULT_RESOLUTION = 15.0
NANO = 1e9
MIN_OBSERVATIONS = 4


@dataclass(frozen=True, slots=True)
class Use:
    """One sample of one Pod's CPU: the cores over the `window` seconds before `at`, read at `read`."""

    pod: str
    cores: float
    at: float
    window: float
    read: float


def fit_path(evidence: Evidence, serves_before_ready: float | None) -> tuple[MetricsPath, list[Fitted]]:
    """The path of numbers that Prometheus scrapes. Raises SpecError if its period is not known."""
    period = evidence.terms.scrape_seconds
    if not period:
        raise SpecError("measurement.scrapePeriodSeconds: must be stated, is absent")
    # Prometheus scrapes a Pod whether or not it is Ready, so its first sample comes once its process serves metrics.
    first = -(serves_before_ready or 0.0)
    return MetricsPath(float(period), first_sample_seconds=first), [
        Fitted("scrape period", float(period), "s", "measurement.scrapePeriodSeconds"),
        Fitted("first sample", first, "s after Ready", "server's log" if serves_before_ready is not None else
               "assumed: the log does not show when metrics were served"),
    ]


def cpu_uses(evidence: Evidence) -> list[Use]:
    """Every distinct sample that was read, in order of time. The CPU of a Pod's containers is added up."""
    found: dict[tuple[str, int], Use] = {}
    for reading in evidence.readings:
        if reading.group != RESOURCE_GROUP:
            continue
        by_sample: dict[tuple[str, int, float], float] = defaultdict(float)
        for sample in reading.samples:
            if sample.name == "cpu" and sample.at is not None and sample.window:
                by_sample[sample.pod, sample.at, sample.window / SECOND] += _cores(sample.value)
        for (pod, at, window), cores in by_sample.items():
            seen = Use(pod, cores, (at - evidence.origin) / SECOND, window, evidence.seconds(reading.received))
            found.setdefault((pod, at), seen)
    return sorted(found.values(), key=lambda use: (use.at, use.pod))


def _cores(quantity: str) -> float:
    """A quantity of CPU; metrics-server writes nanocores, which a milli-unit would round away."""
    return float(quantity[:-1]) / NANO if quantity.endswith("n") else milli_units(quantity) / 1000


def fit_resource_path(evidence: Evidence, process_seconds: float | None) -> tuple[MetricsPath, list[Fitted]]:
    """The path of CPU. A new Pod has its first sample one period after its process started, since metrics-server needs
    two readings of the kubelet for one sample."""
    uses = cpu_uses(evidence)
    instants = sorted({round(use.at, 2) for use in uses})
    steps = [after - before for before, after in pairwise(instants)]
    if len(uses) < MIN_OBSERVATIONS or not steps:
        raise SpecError(f"bundle: must hold at least {MIN_OBSERVATIONS} samples of metrics.k8s.io, for the age of CPU "
                        f"samples and the CPU per token to be known; holds {len(uses)}. Record the run with this "
                        "version")
    window = median(use.window for use in uses)
    # Readings that are further apart than the samples skip some of them, so the shortest step is the period. Even
    # shorter steps lie between Pods of one collection.
    period = min((step for step in steps if step > window / 2), default=DEFAULT_RESOLUTION)
    # metrics-server collects from all kubelets at once: then all samples lie on one grid, and share its phase.
    steps_from_first = [(instant - instants[0]) / period for instant in instants]
    shared = all(abs(step - round(step)) < 0.1 for step in steps_from_first)
    delay = max(0.0, min(use.read - use.at for use in uses))
    path = MetricsPath(
        period, delay_seconds=0.0 if delay > period else min(delay, 1.0), window_seconds=window,
        first_sample_seconds=period - (process_seconds or 0.0), phase_seconds=instants[0] % period if shared else None,
    )
    source = "readings of metrics.k8s.io at the autoscaler's syncs"
    return path, [
        Fitted("CPU sample period", period, "s", source, None, len(uses)),
        Fitted("CPU sample window", window, "s", source, None, len(uses)),
    ]


def fit_cpu(evidence: Evidence) -> tuple[float, float, list[Fitted]]:
    """(CPU seconds per output token, cores of an idle replica), by the output tokens of each Pod in each window."""
    uses = cpu_uses(evidence)
    requests, cores = PodRequests(evidence), [use.cores for use in uses]
    rates = [_output_tokens(requests, use) / use.window for use in uses]
    if len(set(rates)) < MIN_OBSERVATIONS:
        raise SpecError("requests: must name the Pod that served them, for the CPU per token to be known: the windows "
                        f"of the CPU samples must show at least {MIN_OBSERVATIONS} different loads, and the windows of "
                        f"these {len(uses)} samples show {len(set(rates))}")
    per_token, idle = linear_regression(rates, cores)
    misfit = median(abs(usage - idle - per_token * rate) for usage, rate in zip(cores, rates, strict=True))
    error = 100 * misfit / max(cores)
    # As a share of the highest sample: a relative error would be dominated by idle replicas.
    source = "CPU samples against the output tokens of their Pod in the window (error as a share of the highest sample)"
    return max(0.0, per_token), max(0.0, idle), [
        Fitted("CPU per token", per_token, "s", source, round(error, 2), len(uses)),
        Fitted("CPU when idle", max(0.0, idle), "cores", source, None, len(uses)),
    ]


def _output_tokens(requests: PodRequests, use: Use) -> float:
    """Output tokens of the Pod in the sample's window."""
    start = use.at - use.window
    return sum(span.output_tokens(use.at) - span.output_tokens(start)
               for span in requests.during(use.pod, start, use.at))
