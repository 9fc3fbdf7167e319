"""Every finding on the servers and on what the cluster made of them."""
from __future__ import annotations

from collections.abc import Iterator

from elastometer.analysis.findings.facts import Facts
from elastometer.analysis.findings.of_servers.cluster import cluster_findings
from elastometer.analysis.findings.of_servers.memory import memory_findings
from elastometer.analysis.findings.of_servers.out_of_memory import out_of_memory
from elastometer.analysis.findings.of_servers.resources import resource_findings
from elastometer.analysis.findings.of_servers.server_log import server_warnings
from elastometer.model.report import Finding


def server_findings(facts: Facts) -> Iterator[Finding]:
    """Each at most once."""
    for rule in (out_of_memory, memory_findings, resource_findings, server_warnings, cluster_findings):
        yield from rule(facts)
