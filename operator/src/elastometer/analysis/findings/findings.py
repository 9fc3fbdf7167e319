"""Findings: named pathologies, each with its evidence and what to change. None is a guess about a cause."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.pods import condition
from elastometer.analysis.findings.answers import answer_findings
from elastometer.analysis.findings.autoscaler import autoscaler_findings
from elastometer.analysis.run import DerivedRun
from elastometer.model.answers import AnswerRow
from elastometer.model.autoscaler import Autoscaler
from elastometer.model.document import Document, documents_at, text_at
from elastometer.model.findings import FindingName, Severity
from elastometer.model.measured import ColdStart, Origin, ScaleIn, Timeline
from elastometer.model.milestones import Milestone
from elastometer.model.observation import ObjectSeen, Sighting
from elastometer.model.reasons import LoadFlaw
from elastometer.model.report import Finding, Quality
from elastometer.model.units import SECOND

# Below these a delay is not worth a change.
CLAMP_SECONDS = 10.0
PROBE_SHARE, PROBE_MILLISECONDS = 0.1, 2000.0
UNATTRIBUTED_SHARE = 0.2
UNUSED_SECONDS = 20.0
SKEW_MILLISECONDS = 1000.0
BLIND_SECONDS = 10.0
# Sooner than this, a scale-in cost more in cold starts than it saved.
FLAP_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Facts:
    """What the detectors are given."""

    run: DerivedRun
    cold_starts: Sequence[ColdStart]
    scale_ins: Sequence[ScaleIn]
    timeline: Timeline
    quality: Quality
    flaws: Sequence[tuple[LoadFlaw, str]]
    autoscaler: Autoscaler
    answers: Sequence[AnswerRow]

    @property
    def evidence(self) -> Evidence:
        """The evidence of the run."""
        return self.run.evidence


def findings(facts: Facts) -> tuple[Finding, ...]:
    """Those that apply, the gravest first."""
    found = [
        *_client_bound(facts), *_pending(facts), *_metric_missing(facts), *_aborts_on_drain(facts),
        *_clamped(facts), *_flapping(facts), *_never_triggered(facts), *_unused_pods(facts), *_probe_tax(facts),
        *_unattributed(facts), *_clock_skew(facts), *autoscaler_findings(facts.autoscaler),
        *answer_findings(facts.evidence, facts.answers),
    ]
    order = list(Severity)
    return tuple(sorted(found, key=lambda one: order.index(one.severity)))


def _client_bound(facts: Facts) -> Iterator[Finding]:
    behind = [sentence for flaw, sentence in facts.flaws if flaw is LoadFlaw.FELL_BEHIND]
    if behind:
        yield Finding(FindingName.CLIENT_BOUND, Severity.PROBLEM, "The load generator was the limit", "; ".join(behind),
                      "Raise `load.workers`, or give the load Pods more CPU, and run again.")


def _pending(facts: Facts) -> Iterator[Finding]:
    waits: list[str] = []
    for pod in facts.evidence.pods:
        blocked = [seen for seen in pod.sightings if condition(seen.object, "PodScheduled").get("status") == "False"]
        if blocked:
            message = text_at(condition(blocked[0].object, "PodScheduled"), "message") or "no message"
            waits.append(f"{pod.name}: {message[:200]}")
    if waits:
        has_gpu = any("/gpu" in wait for wait in waits)
        title = "Replicas waited for a GPU" if has_gpu else "Replicas could not be scheduled at once"
        name = FindingName.PENDING_ON_GPUS if has_gpu else FindingName.PENDING_PODS
        yield Finding(name, Severity.PROBLEM, title, "; ".join(waits),
                      "Add nodes, or lower `maxReplicas` to what the nodes hold.")


@dataclass(frozen=True, slots=True)
class _Spell:
    seconds: float
    start: float
    reason: str


def _spells(facts: Facts, kind: str, status: str, reasons: tuple[str, ...] = ()) -> list[_Spell]:
    """How long the autoscaler had the condition while the load ran, one spell per run of lines that say so."""
    evidence, spells = facts.evidence, list[_Spell]()
    end = evidence.load_end
    lines = evidence.autoscalers
    for index, line in enumerate(lines):
        held = _scaler_condition(line, kind)
        until = min(end, lines[index + 1].received) if index + 1 < len(lines) else end
        since = max(line.received, evidence.origin)
        reason = text_at(held, "reason") or ""
        if held.get("status") != status or (reasons and reason not in reasons) or until <= since:
            continue
        spells.append(_Spell((until - since) / SECOND, evidence.seconds(since), reason))
    return spells


def _scaler_condition(line: ObjectSeen, kind: str) -> Document:
    items = () if line.sighting is Sighting.DELETED else documents_at(line.object, "status", "conditions")
    return next((item for item in items if item.get("type") == kind), {})


def _metric_missing(facts: Facts) -> Iterator[Finding]:
    spells = _spells(facts, "ScalingActive", "False")
    total = sum(spell.seconds for spell in spells)
    if total < BLIND_SECONDS:
        return
    reasons = ", ".join(sorted({spell.reason for spell in spells}))
    yield Finding(
        FindingName.METRIC_MISSING, Severity.PROBLEM, "The autoscaler had no metric",
        f"ScalingActive was False for {total:.0f} s of the load ({reasons}), first {spells[0].start:.0f} s after its "
        "start",
        "Check that the metric's name and labels reach the metrics API; `kubectl get --raw /apis/custom.metrics.k8s.io"
        "/v1beta1` lists what it knows.")


def _clamped(facts: Facts) -> Iterator[Finding]:
    spells = _spells(facts, "ScalingLimited", "True", ("TooManyReplicas",))
    total = sum(spell.seconds for spell in spells)
    if total >= CLAMP_SECONDS:
        yield Finding(
            FindingName.MAXIMUM_CLAMPED, Severity.WARNING, "`maxReplicas` held the autoscaler back",
            f"The autoscaler wanted more than {facts.evidence.terms.maximum_replicas} replicas for {total:.0f} s, "
            f"first {spells[0].start:.0f} s after the start of the load",
            "Raise `maxReplicas` if there are GPUs for it, or raise the metric's target if the latency allows.")


def _flapping(facts: Facts) -> Iterator[Finding]:
    """A scale-in that had to be taken back while replicas still had to start again."""
    pairs = [
        (first, second) for first, second in pairwise(facts.run.changes)
        if not first.is_out and second.is_out
        and second.decided.instant - first.decided.instant <= FLAP_SECONDS * SECOND
    ]
    if pairs:
        words = "; ".join(
            f"{first.before} to {first.after} at {facts.evidence.seconds(first.decided.instant):+.0f} s, and "
            f"{second.before} to {second.after} {(second.decided.instant - first.decided.instant) / SECOND:.0f} s later"
            for first, second in pairs)
        yield Finding(
            FindingName.FLAPPING, Severity.WARNING, "Replicas were removed and then missed", words,
            "Lengthen `behavior.scaleDown.stabilizationWindowSeconds`, or scale on a metric that stays up while the "
            "replicas are busy: a queue is empty as soon as there are enough of them.")


def _never_triggered(facts: Facts) -> Iterator[Finding]:
    terms = facts.evidence.terms
    room = (terms.maximum_replicas or 0) > (terms.minimum_replicas or 0)
    was_seen = facts.evidence.requests and facts.evidence.deployments
    if was_seen and room and not any(change.is_out for change in facts.run.changes):
        yield Finding(
            FindingName.SCALING_NEVER_TRIGGERED, Severity.WARNING, "Nothing scaled",
            f"spec.replicas stayed as it was through {len(facts.evidence.requests)} requests, though up to "
            f"{terms.maximum_replicas} were allowed",
            "Compare the metric's peak with its target: a queue metric stays 0 until the batch is full, so lower "
            "`--max-num-seqs` or scale on running requests.")


def _aborts_on_drain(facts: Facts) -> Iterator[Finding]:
    hit = [one for one in facts.scale_ins if one.lost]
    if hit:
        lost = sum(sum(one.lost.values()) for one in hit)
        words = "; ".join(
            f"{one.pod}: " + ", ".join(f"{count} {name}" for name, count in one.lost.items()) for one in hit)
        yield Finding(
            FindingName.ABORTS_ON_DRAIN, Severity.PROBLEM,
            f"Requests were lost on Pods that were being removed: {lost}", words,
            "Give the server time to finish: `--shutdown-timeout` of at least the p99 latency, and a "
            "`terminationGracePeriodSeconds` above the preStop sleep plus that.")


def _unused_pods(facts: Facts) -> Iterator[Finding]:
    end = max((record.send for record in facts.evidence.requests if record.send is not None), default=None)
    known = any(record.pod for record in facts.evidence.requests)
    idle: list[str] = []
    for start in facts.cold_starts:
        ready = next((one.stamp.seconds for one in start.instants if one.name == Milestone.READY and one.used), None)
        if end is None or ready is None or not known or start.first_token.milliseconds is not None:
            continue
        if facts.evidence.seconds(end) - ready > UNUSED_SECONDS:
            idle.append(f"{start.pod} was Ready {facts.evidence.seconds(end) - ready:.0f} s before the last request")
    if idle:
        yield Finding(
            FindingName.UNUSED_REPLICAS, Severity.PROBLEM, "Ready replicas got no request", "; ".join(idle),
            f"Connections are kept (policy {facts.evidence.terms.connection or 'unknown'}): kube-proxy balances "
            "connections, not requests. Use `PerRequest`, `MaxAge`, `SpreadOverPods`, or a gateway that balances "
            "requests.")


def _probe_tax(facts: Facts) -> Iterator[Finding]:
    pairs = [
        (phase.milliseconds, start.cold_start.milliseconds) for start in facts.cold_starts
        for phase in start.phases if phase.name == "probe" and start.cold_start.milliseconds
    ]
    taxes = [tax for tax, _ in pairs]
    if taxes and median(taxes) > max(PROBE_MILLISECONDS, PROBE_SHARE * median(whole for _, whole in pairs)):
        yield Finding(
            FindingName.PROBE_TAX, Severity.WARNING, "Probes kept finished replicas waiting",
            f"The server answered {median(taxes) / 1000:.1f} s (median of {len(taxes)}) before the Pod was Ready",
            "Shorten the period of the startup and readiness probes (`probePeriodSeconds`).")


def _unattributed(facts: Facts) -> Iterator[Finding]:
    for start in facts.cold_starts:
        whole = start.cold_start.milliseconds
        dark = sum(phase.milliseconds for phase in start.phases if phase.name == "unattributed")
        if whole and start.origin != Origin.INITIAL and dark > UNATTRIBUTED_SHARE * whole:
            yield Finding(
                FindingName.UNATTRIBUTED_START, Severity.HINT, "A good part of a cold start has no explanation",
                f"{start.pod}: {dark / 1000:.1f} s of {whole / 1000:.1f} s",
                "Look at the container's log in the bundle; a release of the server with other log lines needs new "
                "patterns.")
            return


def _clock_skew(facts: Facts) -> Iterator[Finding]:
    low, high = facts.quality.clock_offset_low_milliseconds, facts.quality.clock_offset_high_milliseconds
    if low is None or high is None or (low < SKEW_MILLISECONDS and high > -SKEW_MILLISECONDS):
        return
    yield Finding(
        FindingName.CLOCK_SKEW, Severity.WARNING, "Two clocks disagree",
        f"The operator's clock is {low:.0f} to {high:.0f} ms ahead of the API server's",
        "Synchronise the nodes' clocks; instants of different sources cannot be compared closer than this.")

