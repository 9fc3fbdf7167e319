"""Findings: named pathologies, each with what was seen, why it matters and what to change. None claims a cause."""
from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.pods import condition
from elastometer.analysis.findings.answers.checked import answer_findings
from elastometer.analysis.findings.answers.tables import answer_table_findings
from elastometer.analysis.findings.autoscaler import autoscaler_findings
from elastometer.analysis.findings.backlog import backlog_findings
from elastometer.analysis.findings.blind import objective_blind
from elastometer.analysis.findings.conditions import clamped, metric_missing
from elastometer.analysis.findings.elasticity import elasticity_findings
from elastometer.analysis.findings.errors import error_findings
from elastometer.analysis.findings.facts import Facts
from elastometer.analysis.findings.flags import flag_in_words
from elastometer.analysis.findings.inputs import input_findings
from elastometer.analysis.findings.jitter import jitter_findings
from elastometer.analysis.findings.load import load_findings
from elastometer.analysis.findings.never_triggered import never_triggered
from elastometer.analysis.findings.of_servers.servers import server_findings
from elastometer.analysis.findings.scaling import scaling_findings
from elastometer.analysis.findings.starts import start_findings
from elastometer.analysis.findings.streams import stream_findings
from elastometer.analysis.findings.wakes import wake_findings
from elastometer.analysis.price.flaps import reversals
from elastometer.analysis.starts.enginelog import aborted_by_server
from elastometer.model.document import text_at
from elastometer.model.findings import FindingName, Severity
from elastometer.model.milestones import Milestone
from elastometer.model.reasons import LoadFlaw
from elastometer.model.report import Finding
from elastometer.model.server_flags import SHUTDOWN_TIMEOUT
from elastometer.model.units import SECOND

# Below these, neither is worth a change.
UNUSED_SECONDS = 20.0
SKEW_MILLISECONDS = 1000.0


def findings(facts: Facts) -> tuple[Finding, ...]:
    """The findings that apply, the most severe first."""
    found = [
        *load_findings(facts.evidence), *_client_bound(facts), *_pending(facts), *metric_missing(facts),
        *_aborts_on_drain(facts), *clamped(facts), *_flapping(facts), *never_triggered(facts), *_unused_pods(facts),
        *backlog_findings(facts.evidence, facts.run.replicas.ready_spans),
        *start_findings(facts.cold_starts), *_clock_skew(facts), *autoscaler_findings(facts.autoscaler),
        *wake_findings(facts), *stream_findings(facts.evidence.requests),
        *answer_findings(facts.evidence, facts.answers), *objective_blind(facts.blind),
        *(() if facts.report is None else (
            *answer_table_findings(facts.report), *scaling_findings(facts.report), *input_findings(facts.report))),
        *elasticity_findings(facts), *server_findings(facts), *error_findings(facts), *jitter_findings(facts),
    ]
    order = list(Severity)
    return tuple(sorted(found, key=lambda one: order.index(one.severity)))


def _client_bound(facts: Facts) -> Iterator[Finding]:
    behind = [sentence for flaw, sentence in facts.flaws if flaw is LoadFlaw.FELL_BEHIND]
    if behind:
        yield Finding(
            FindingName.CLIENT_BOUND, Severity.PROBLEM, "The load generator was the limit, not the server",
            "; ".join(behind),
            "The server got less load than specified, so its latencies look better than they would under that load. "
            "Raise `load.workers`, or give the load Pods more CPU, and run the test again.")


def _pending(facts: Facts) -> Iterator[Finding]:
    waits: list[str] = []
    for pod in facts.evidence.pods:
        blocked = [seen for seen in pod.sightings if condition(seen.object, "PodScheduled").get("status") == "False"]
        if blocked:
            message = text_at(condition(blocked[0].object, "PodScheduled"), "message") or "no message"
            waits.append(f"{pod.name}: {message[:200]}")
    if waits:
        has_gpu = any("/gpu" in wait for wait in waits)
        title = "Replicas waited for a GPU" if has_gpu else "Replicas could not be scheduled immediately"
        name = FindingName.PENDING_ON_GPUS if has_gpu else FindingName.PENDING_PODS
        yield Finding(name, Severity.PROBLEM, title, "; ".join(waits),
                      "Until they are scheduled, no other setting can make the scale-out faster. Add nodes, or lower "
                      "`maxReplicas` to what the nodes can hold.")


def _flapping(facts: Facts) -> Iterator[Finding]:
    """A scale-in that was reversed soon after, at the price of new cold starts."""
    pairs = reversals(facts.run.changes)
    if pairs:
        words = "; ".join(
            f"{first.before} to {first.after} at {facts.evidence.seconds(first.decided.instant):+.0f} s, and "
            f"{second.before} to {second.after} {(second.decided.instant - first.decided.instant) / SECOND:.0f} s later"
            for first, second in pairs)
        yield Finding(
            FindingName.FLAPPING, Severity.WARNING, "Replicas were removed and soon needed again", words,
            "Each such pair costs a cold start. Lengthen `behavior.scaleDown.stabilizationWindowSeconds`, or scale on "
            "a metric that stays high while the replicas are busy. A queue does not: it is empty as soon as there are "
            "enough replicas.")


def _aborts_on_drain(facts: Facts) -> Iterator[Finding]:
    hit = [one for one in facts.scale_ins if one.lost]
    if hit:
        lost = sum(sum(one.lost.values()) for one in hit)
        words = "; ".join(
            f"{one.pod}: " + ", ".join(f"{count} {name}" for name, count in one.lost.items())
            + _aborts_in_log(one.pod, facts.evidence) for one in hit)
        yield Finding(
            FindingName.ABORTS_ON_DRAIN, Severity.PROBLEM,
            f"Requests that were lost on Pods that were being removed: {lost}", words,
            "Until this is fixed, every scale-in can lose requests. Give the server time to finish: set "
            f"{flag_in_words(SHUTDOWN_TIMEOUT, facts.evidence)} to at least the p99 latency, and "
            "`terminationGracePeriodSeconds` to more than that plus the preStop sleep.")


def _aborts_in_log(pod: str, evidence: Evidence) -> str:
    """The server's own count, which separates its aborts from connections that something else cut."""
    aborted = aborted_by_server(evidence.logs.get(pod, ()))
    return "" if aborted is None else f" (its log states that it aborted {aborted})"


def _unused_pods(facts: Facts) -> Iterator[Finding]:
    end, known = facts.evidence.table.select(pl.col("send").max(), (pl.col("pod") != "").any().alias("known")).row(0)
    # Of a request that failed, the Pod may be known all the same.
    asked = set(facts.evidence.table["pod"].cast(pl.String).unique())
    idle: list[str] = []
    for start in facts.cold_starts:
        ready = next((one.stamp.seconds for one in start.instants if one.name == Milestone.READY and one.used), None)
        if end is None or ready is None or not known or start.first_token.milliseconds is not None:
            continue
        if start.pod not in asked and facts.evidence.seconds(end) - ready > UNUSED_SECONDS:
            idle.append(f"{start.pod} was Ready {facts.evidence.seconds(end) - ready:.0f} s before the last request")
    if idle:
        yield Finding(
            FindingName.UNUSED_REPLICAS, Severity.PROBLEM, "Ready replicas got no requests", "; ".join(idle),
            "They occupy GPUs and take no load. The connection policy of the load is "
            f"{facts.evidence.terms.connection or 'unknown'}, and kube-proxy balances connections, not requests. Use "
            "`PerRequest`, `MaxAge`, `SpreadOverPods`, or a gateway that balances requests.")


def _clock_skew(facts: Facts) -> Iterator[Finding]:
    low, high = facts.quality.clock_offset_low_milliseconds, facts.quality.clock_offset_high_milliseconds
    if low is None or high is None or (low < SKEW_MILLISECONDS and high > -SKEW_MILLISECONDS):
        return
    yield Finding(
        FindingName.CLOCK_SKEW, Severity.WARNING, "The clocks of the operator and the API server disagree",
        f"The operator's clock minus the API server's is between {low:+.0f} and {high:+.0f} ms",
        "Instants from different clocks cannot be compared more precisely than this. Synchronise the nodes' clocks.")
