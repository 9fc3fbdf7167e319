"""A run without a scale-out: how high its metric came, for how long it asked for more, and what its window allows."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from elastometer.analysis.findings.facts import Facts
from elastometer.analysis.findings.flags import flag_in_words
from elastometer.analysis.findings.wakes import never_woke
from elastometer.model.autoscaler import AutoscalerAccount, MetricReading, SyncRow
from elastometer.model.document import Document, document_at, documents_at, number_at, text_at
from elastometer.model.findings import FindingName, Severity
from elastometer.model.in_words import plural
from elastometer.model.report import Finding
from elastometer.model.server_flags import MAX_NUM_SEQS

# kube-controller-manager's own, where a direction states none.
DEFAULT_TOLERANCE = 0.1
_RULES = ("spec", "behavior", "scaleUp")
_QUEUES = ("waiting", "queue", "pending")


@dataclass(frozen=True, slots=True)
class Spell:
    """The longest time in which a metric was beyond its threshold: from its first sync to its last one at least, and to
    the neighbouring syncs at most. The peak is over the whole load."""

    metric: MetricReading
    threshold: float
    peak: float
    least_seconds: float
    most_seconds: float


def never_triggered(facts: Facts) -> Iterator[Finding]:
    """Only where the autoscaler had room for more replicas, and where requests came."""
    terms, evidence = facts.evidence.terms, facts.evidence
    room = (terms.maximum_replicas or 0) > (terms.minimum_replicas or 0)
    was_seen = evidence.requests and evidence.deployments
    if not was_seen or not room or any(change.is_out for change in facts.run.changes) or never_woke(facts.wakes):
        return
    served = evidence.autoscalers[-1].object if evidence.autoscalers else {}
    spells = list(_spells(facts.autoscaler, _tolerance(served)))
    window = number_at(served, *_RULES, "stabilizationWindowSeconds") or 0.0
    said = "; ".join(_in_words(one, window) for one in spells)
    yield Finding(
        FindingName.SCALING_NEVER_TRIGGERED, Severity.WARNING, "The number of replicas never grew",
        f"There was no scale-out during {plural(len(evidence.requests), 'request')}, although "
        f"the autoscaler may keep up to {plural(terms.maximum_replicas or 0, 'replica')}"
        + (f". {said[:1].upper()}{said[1:]}" if said else ""),
        " ".join(["A run without a scale-out says nothing about elasticity.", *_advice(facts, served, spells, window)]))


def _tolerance(served: Document) -> float:
    given = text_at(served, *_RULES, "tolerance")
    try:
        return DEFAULT_TOLERANCE if given is None else float(given)
    except ValueError:
        return DEFAULT_TOLERANCE  # a quantity with a suffix, such as 100m


def _spells(account: AutoscalerAccount, tolerance: float) -> Iterator[Spell]:
    """One for each metric that was ever read."""
    names = dict.fromkeys(reading.name for row in account.rows for reading in row.metrics)
    for name in names:
        read = [(row, reading) for row in account.rows for reading in row.metrics
                if reading.name == name and reading.value is not None]
        if read:
            yield _longest(read, account.rows, tolerance)


def _longest(
    read: Sequence[tuple[SyncRow, MetricReading]], rows: Sequence[SyncRow], tolerance: float,
) -> Spell:
    threshold = read[0][1].target * (1 + tolerance)
    above = {row.seconds for row, reading in read if (reading.value or 0.0) > threshold}
    ends = [(row.seconds, row.seconds if row.until_seconds is None else row.until_seconds) for row in rows]
    least = most = 0.0
    start: int | None = None
    for index, (at, _) in enumerate(ends):
        if at not in above:
            start = None
            continue
        start = index if start is None else start
        before = ends[start - 1][1] if start else ends[start][0]
        after = ends[index + 1][0] if index + 1 < len(ends) else ends[index][1]
        most, least = max((most, least), (after - before, ends[index][1] - ends[start][0]))
    return Spell(read[0][1], threshold, max(reading.value or 0.0 for _, reading in read), least, most)


def _in_words(one: Spell, window: float) -> str:
    unit, name = one.metric.unit, one.metric.name
    if one.peak <= one.threshold:
        return (f"the metric {name} rose to {one.peak:.4g}{unit} and never passed {one.threshold:.4g}{unit}, its "
                f"target of {one.metric.target:.4g}{unit} with the tolerance")
    least, most = round(one.least_seconds), round(one.most_seconds)
    long = f"{most} s" if least == most else f"at most {most} s" if least == 0 else f"{least} to {most} s"
    return (f"the metric {name} passed {one.threshold:.4g}{unit} for {long} (peak {one.peak:.4g}{unit}); the scale-up "
            f"window is {window:.0f} s")


def _advice(facts: Facts, served: Document, spells: Sequence[Spell], window: float) -> Iterator[str]:
    """What fits the metric: a spell that the window outlasts, a target that is out of reach, or an unsuited metric."""
    kinds = {text_at(one, "type") for one in documents_at(document_at(served, "spec"), "metrics")}
    passed = [one for one in spells if one.peak > one.threshold]
    if not spells:
        yield "Compare the metric's peak with its target."
    elif passed and all(one.least_seconds < window for one in passed):
        yield (f"The window takes the lowest recommendation within {window:.0f} s, so that a shorter peak does not "
               "count: shorten `behavior.scaleUp.stabilizationWindowSeconds`, or let the load last longer.")
    elif passed:
        yield ("The metric was beyond its threshold for longer than the window: look in the autoscaler's account at "
               "what held the replicas, such as a policy of `selectPolicy: Disabled`.")
    else:
        best = max(spells, key=lambda one: one.peak / one.threshold if one.threshold else 0.0)
        yield f"Lower the target of {best.metric.name} below {best.peak:.4g}{best.metric.unit}, or raise the load."
    if kinds & {"Resource", "ContainerResource"}:
        yield ("CPU usage is an average over the past, in percent of the request: a server that waits for its GPU "
               "or has a high request never reaches the target. Scale on running or waiting requests instead.")
    elif any(word in one.metric.name for one in spells for word in _QUEUES) or not spells:
        yield (f"A queue metric stays 0 until the batch is full: lower {flag_in_words(MAX_NUM_SEQS, facts.evidence)}, "
               "or scale on running requests.")
