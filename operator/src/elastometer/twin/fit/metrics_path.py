"""How old the autoscaler's numbers are, and what a token costs of CPU, out of the recorder's readings of the metrics
APIs (what the autoscaler would have been answered at about the same time)."""
from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from statistics import linear_regression, median

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.hpa.quantity import milli_units
from elastometer.model.errors import SpecError
from elastometer.model.units import SECOND
from elastometer.twin.fit.calibration import Fitted
from elastometer.twin.fit.pod_requests import Ran
from elastometer.twin.scenario import MetricsPath

RESOURCE_GROUP = "metrics.k8s.io"
# metrics-server's own resolution, where the record does not tell another.
USUAL_RESOLUTION = 15.0
NANO = 1e9
FEWEST = 4


@dataclass(frozen=True, slots=True)
class Use:
    """One sample of one Pod's CPU: cores over `window` seconds up to `at`; read at `read`."""

    pod: str
    cores: float
    at: float
    window: float
    read: float


def fit_path(evidence: Evidence, serves_before_ready: float | None) -> tuple[MetricsPath, list[Fitted]]:
    """Of numbers that Prometheus scrapes. Raises SpecError where its period is not known."""
    period = evidence.terms.scrape_seconds
    if not period:
        raise SpecError("measurement.scrapePeriodSeconds: must be stated, is not")
    first = -(serves_before_ready or 0.0)
    return MetricsPath(float(period), first_sample_seconds=first), [
        Fitted("scrape period", float(period), "s", "measurement.scrapePeriodSeconds"),
        Fitted("first sample", first, "s after Ready", "server's log" if serves_before_ready is not None else
               "assumed: the log did not tell when metrics were served"),
    ]


def cpu_uses(evidence: Evidence) -> list[Use]:
    """Every distinct sample that was read, in order of time."""
    found: dict[tuple[str, int], Use] = {}
    for reading in evidence.readings:
        if reading.group != RESOURCE_GROUP:
            continue
        by_sample: dict[tuple[str, int, float], float] = defaultdict(float)
        for one in reading.samples:
            if one.name == "cpu" and one.at is not None and one.window:
                by_sample[one.pod, one.at, one.window / SECOND] += _cores(one.value)
        for (pod, at, window), cores in by_sample.items():
            seen = Use(pod, cores, (at - evidence.origin) / SECOND, window, evidence.seconds(reading.received))
            found.setdefault((pod, at), seen)
    return sorted(found.values(), key=lambda one: (one.at, one.pod))


def _cores(quantity: str) -> float:
    """A quantity of CPU; metrics-server writes nanocores, which a milli-unit would round away."""
    return float(quantity[:-1]) / NANO if quantity.endswith("n") else milli_units(quantity) / 1000


def fit_resource_path(evidence: Evidence, process_seconds: float | None) -> tuple[MetricsPath, list[Fitted]]:
    """Of CPU. A new Pod has its first sample one window after its process started, since two readings make one."""
    uses = cpu_uses(evidence)
    instants = sorted({round(one.at, 2) for one in uses})
    steps = [after - before for before, after in pairwise(instants)]
    if len(uses) < FEWEST or not steps:
        raise SpecError("bundle: must hold readings of metrics.k8s.io, to tell how old CPU samples are and what a "
                        f"token costs; it holds {len(uses)} samples. Record the run with this version")
    window = median(one.window for one in uses)
    # Looks that are further apart than the samples skip some: the shortest step is the period.
    period = min((one for one in steps if one > window / 2), default=USUAL_RESOLUTION)
    shared = all(abs((one - instants[0]) / period - round((one - instants[0]) / period)) < 0.1 for one in instants)
    delay = max(0.0, min(one.read - one.at for one in uses))
    path = MetricsPath(
        period, delay_seconds=0.0 if delay > period else min(delay, 1.0), window_seconds=window,
        first_sample_seconds=period - (process_seconds or 0.0), phase_seconds=instants[0] % period if shared else None,
    )
    source = "readings of metrics.k8s.io at the autoscaler's looks"
    return path, [
        Fitted("CPU sample period", period, "s", source, None, len(uses)),
        Fitted("CPU sample window", window, "s", source, None, len(uses)),
    ]


def fit_cpu(evidence: Evidence) -> tuple[float, float, list[Fitted]]:
    """(CPU seconds per output token, cores of an idle replica) by the tokens that each Pod made in each window."""
    uses = cpu_uses(evidence)
    ran, cores = Ran(evidence), [one.cores for one in uses]
    rates = [_made(ran, one) / one.window for one in uses]
    if len(set(rates)) < FEWEST:
        raise SpecError("requests: must name the Pod that served them, to tell what a token costs of CPU; of the "
                        f"windows of {len(uses)} CPU samples {len(set(rates))} have different loads")
    per_token, idle = linear_regression(rates, cores)
    misfit = median(abs(one - idle - per_token * rate) for one, rate in zip(cores, rates, strict=True))
    error = 100 * misfit / max(cores)
    source = "CPU samples against the tokens that their Pod made meanwhile (error as a share of the highest sample)"
    return max(0.0, per_token), max(0.0, idle), [
        Fitted("CPU per token", per_token, "s", source, round(error, 2), len(uses)),
        Fitted("CPU when idle", max(0.0, idle), "cores", source, None, len(uses)),
    ]


def _made(ran: Ran, use: Use) -> float:
    """Output tokens that the Pod made in the sample's window."""
    start = use.at - use.window
    return sum(run.made(use.at) - run.made(start) for run in ran.during(use.pod, start, use.at))
