"""Findings from a target at zero replicas, i.e. that nothing woke it or that requests were lost until it served, and
from a second autoscaler of the target."""
from __future__ import annotations

from collections.abc import Iterable, Iterator

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.findings.facts import Facts
from elastometer.model.document import document_at
from elastometer.model.findings import FindingName, Severity
from elastometer.model.in_words import plural
from elastometer.model.names import server_name
from elastometer.model.report import Finding
from elastometer.model.wake import Wake, WakeStep
from elastometer.promql.at_zero import reads_only_servers

BLIND = " Every trigger of this test reads only metrics of vLLM, which a target without a replica does not export."


def wake_findings(facts: Facts) -> Iterator[Finding]:
    """No findings about a wake if the target always had a replica."""
    yield from _never_woke(facts)
    yield from _lost_during_wake(facts)
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
            FindingName.NEVER_WOKE, Severity.PROBLEM, "Nothing woke the target from zero replicas",
            f"{plural(wake.request_count, 'request')} came ({_since(wake)}), and no replica was added: "
            f"{wake.fate_words}{shown}",
            "Scale on a metric that exists at 0 replicas and rises with the load, such as a gateway's queue or the "
            f"load generator's `elastometer_load_sent_total`, or keep one replica.{blind}")


def _lost_during_wake(facts: Facts) -> Iterator[Finding]:
    hit = [wake for wake in facts.wakes if wake.scale_event is not None and wake.failed_count]
    if hit:
        lost = sum(wake.failed_count for wake in hit)
        yield Finding(
            FindingName.LOST_DURING_WAKE, Severity.PROBLEM, f"Requests lost before the target had a replica: {lost}",
            "; ".join(f"{plural(wake.request_count, 'request')} came before a replica served ({_since(wake)}): "
                      f"{wake.fate_words}" for wake in hit),
            "A Service without a Ready Pod refuses connections at once. Put a gateway in front that holds requests "
            "until a replica serves, let clients retry (`load.retries`), or keep one replica.")


def _since(wake: Wake) -> str:
    return f"0 replicas since {wake.at_zero_seconds:+.0f} s"


def _conflict(evidence: Evidence) -> Iterator[Finding]:
    if evidence.rivals:
        yield Finding(
            FindingName.AUTOSCALER_CONFLICT, Severity.PROBLEM, "More than one autoscaler scaled the target",
            f"{', '.join(evidence.rivals)} scaled the Deployment {server_name(evidence.terms.test)} besides the "
            "autoscaler under test",
            "The number of replicas is then the result of both, and an HPA whose Pods another HPA selects too stops "
            "scaling. Delete the other autoscaler and run the test again.")
