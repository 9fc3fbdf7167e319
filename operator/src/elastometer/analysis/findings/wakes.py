"""Findings from sleeping at zero replicas, i.e. a target that nothing woke and requests that were lost until it served,
and from a second autoscaler of the target."""
from __future__ import annotations

from collections.abc import Iterable, Iterator

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.findings.facts import Facts
from elastometer.model.document import document_at
from elastometer.model.findings import FindingName, Severity
from elastometer.model.names import server_name
from elastometer.model.report import Finding
from elastometer.model.wake import FATE_LABELS, Fate, Wake, WakeStep
from elastometer.model.wake_signals import reads_only_servers

BLIND = " Every trigger of this test reads only metrics of vLLM, which a target without a replica does not export."


def wake_findings(facts: Facts) -> Iterator[Finding]:
    """No findings if the target never slept."""
    yield from _never_woke(facts)
    yield from _lost_while_asleep(facts)
    yield from _conflict(facts.evidence)


def never_woke(wakes: Iterable[Wake]) -> list[Wake]:
    """Times at zero replicas that nothing ended although requests came."""
    return [wake for wake in wakes if wake.scale_event is None and wake.request_count]


def _never_woke(facts: Facts) -> Iterator[Finding]:
    spec = document_at(facts.evidence.spec, "spec", "autoscaler", "scaledObject")
    blind = BLIND if reads_only_servers(spec) else ""
    for wake in never_woke(facts.wakes):
        metric = next((one for one in wake.instants if one.name is WakeStep.VISIBLE), None)
        shown = "" if metric is None or metric.stamp is not None or not metric.reason else f"; {metric.reason}"
        yield Finding(
            FindingName.NEVER_WOKE, Severity.PROBLEM, "Nothing woke the sleeping target",
            f"{wake.request_count} requests came to 0 replicas ({_since(wake)}), and no replica was added: "
            f"{fate_words(wake)}{shown}",
            f"Scale on something that exists at 0 replicas and counts what waits.{blind} A gateway's queue does, or "
            "the load generator's own `elastometer_load_sent_total`; or keep one replica.")


def _lost_while_asleep(facts: Facts) -> Iterator[Finding]:
    hit = [wake for wake in facts.wakes if wake.scale_event is not None and wake.failed_count]
    if hit:
        lost = sum(wake.failed_count for wake in hit)
        yield Finding(
            FindingName.LOST_WHILE_ASLEEP, Severity.PROBLEM, f"Requests that were lost while the target woke: {lost}",
            "; ".join(f"{wake.request_count} requests came before a replica served ({_since(wake)}): {fate_words(wake)}"
                      for wake in hit),
            "A Service without a Ready Pod refuses connections at once. Put something in front that holds requests "
            "until a replica serves, let clients try again (`load.retries`), or keep one replica.")


def _since(wake: Wake) -> str:
    return f"none from {wake.asleep_seconds:+.0f} s on"


def fate_words(wake: Wake) -> str:
    """What became of the requests, by count."""
    return ", ".join(f"{wake.fates[fate]} {FATE_LABELS[fate]}" for fate in Fate if wake.fates.get(fate))


def _conflict(evidence: Evidence) -> Iterator[Finding]:
    if evidence.rivals:
        yield Finding(
            FindingName.AUTOSCALER_CONFLICT, Severity.PROBLEM, "More than one autoscaler scaled the target",
            f"{', '.join(evidence.rivals)} scaled the Deployment {server_name(evidence.terms.test)} besides the "
            "autoscaler under test",
            "The replicas are then the work of neither, and an HPA that shares its Pods with another one stops. Delete "
            "the other autoscaler, and run the test again.")
