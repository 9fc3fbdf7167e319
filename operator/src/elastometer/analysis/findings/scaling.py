"""Findings about scaling: replicas that brought nothing, a slow first start, and a run that never scaled out."""
from __future__ import annotations

from collections.abc import Iterator

from elastometer.model.findings import FindingName, Severity
from elastometer.model.first_starts import StartKind
from elastometer.model.in_words import duration
from elastometer.model.report import Finding, Report
from elastometer.model.scaleout_gains import Gain, ScaleOutGain

# The first start is slow where it takes so much longer than later ones, in milliseconds and as a factor.
SLOWER_MILLISECONDS, SLOWER_FACTOR = 5000.0, 1.3


def scaling_findings(report: Report) -> Iterator[Finding]:
    """No findings where the report has none of the tables."""
    yield from _added_nothing(report)
    yield from _slow_first_start(report)


def _added_nothing(report: Report) -> Iterator[Finding]:
    """Only where no scale-out of the run brought anything, so that a single unclear one is no finding."""
    nothing = [one for one in report.scale_out_gains if one.gain is Gain.NOTHING]
    if not nothing or any(one.gain is Gain.GAINED for one in report.scale_out_gains):
        return
    yield Finding(
        FindingName.REPLICAS_ADDED_NOTHING, Severity.PROBLEM, "More replicas served no more, and no sooner",
        "; ".join(map(_nothing, nothing)),
        "What the replicas share was full, not the replicas: the CPU or GPU of the node that holds all of them, the "
        "network, a gateway, or a store behind them. See Saturation and the CPU per replica. Put them on nodes of "
        "their own, or give each the resources that it asks for; until then, every further replica only costs.")


def _nothing(one: ScaleOutGain) -> str:
    rate, latency, cpu = one.rate.difference, one.mean_milliseconds.difference, one.cpu_per_replica
    parts = [f"{one.from_replicas} to {one.to_replicas} at {one.decided_seconds:+.0f} s"]
    if rate is not None and rate.interval is not None:
        parts.append(f"{rate.value:+.1f} requests/s ({rate.interval.low:+.1f} to {rate.interval.high:+.1f})")
    if latency is not None and latency.interval is not None:
        parts.append(f"mean latency {latency.value / 1000:+.2f} s ({latency.interval.low / 1000:+.2f} to "
                     f"{latency.interval.high / 1000:+.2f})")
    if cpu.before is not None and cpu.after is not None:
        parts.append(f"CPU per replica {cpu.before:.2f} to {cpu.after:.2f} cores")
    return ", ".join(parts) + (f", although {one.was_needed}" if one.was_needed else "")


def _slow_first_start(report: Report) -> Iterator[Finding]:
    """The first start of the run against the fastest of the later kinds."""
    first = next((one for one in report.first_starts if one.has_first), None)
    later = [one for one in report.first_starts if one is not first and one.median_milliseconds is not None]
    if first is None or first.median_milliseconds is None or not later:
        return
    usual = min(later, key=lambda one: one.median_milliseconds or 0.0)
    took, other = first.median_milliseconds, usual.median_milliseconds or 0.0
    if took - other < SLOWER_MILLISECONDS or took < SLOWER_FACTOR * other:
        return
    yield Finding(
        FindingName.SLOW_FIRST_START, Severity.WARNING, "The first start took longer than later ones",
        f"{duration(took)}, against {duration(other)} (median of {usual.count}) later{_because(first)}",
        "Whatever the first start fetched, every new node fetches again, and a scale-out on it waits for it. Pull the "
        "image onto the nodes beforehand, keep the weights on a volume or on the node (`target.weightsClaimName`), and "
        "keep the cache of compiled graphs; or hold replicas ready with a higher minimum.")


def _because(one: StartKind) -> str:
    found = one.difference
    if found is None:
        return ""
    other = duration(found.fastest_milliseconds) if found.fastest_milliseconds else "none"
    return f"; most of the difference is {found.label}: {duration(found.milliseconds)}, against {other}"
