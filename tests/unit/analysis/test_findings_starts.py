"""Findings from the cold starts: only of what takes a good part of them."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from elastometer.analysis.findings.starts import start_findings
from elastometer.model.measurements import UNATTRIBUTED, ColdStart, Duration, Origin, Phase, ScrapedStart
from elastometer.model.milestones import PHASE_ENDED_BY, Milestone

PROBE = PHASE_ENDED_BY[Milestone.READY]
WEIGHTS = PHASE_ENDED_BY[Milestone.WEIGHTS_LOADED]


def cold_start(seconds: Mapping[str, float], origin: Origin = Origin.SCALE_OUT, pod: str = "a") -> ColdStart:
    """A start with phases of these names and lengths."""
    phases = tuple(Phase(name, name, 0.0, 1000 * length, 1.0, "Log") for name, length in seconds.items())
    return ColdStart(
        pod=pod, node="n", origin=origin, scale_event=None, image=None, instants=(), phases=phases,
        cold_start=Duration(1000 * sum(seconds.values())), scale_out=None, first_token=Duration(),
        scraped=ScrapedStart(None, None, None, None, None, "Prometheus was not queried"))


def names(*starts: ColdStart) -> list[str]:
    return [one.name for one in start_findings(starts)]


def test_a_probe_that_keeps_finished_replicas_waiting_is_reported_by_its_median():
    found, = start_findings([cold_start({WEIGHTS: 20, PROBE: tax}) for tax in (4.0, 5.0, 30.0)])
    assert (found.name, found.severity) == ("ProbeTax", "Warning")
    assert "answered 5.0 s (median of 3) before the Pod was Ready" in found.evidence


def test_a_short_wait_for_a_probe_is_no_finding():
    assert names(cold_start({WEIGHTS: 5, PROBE: 1.9})) == []
    assert names(cold_start({WEIGHTS: 60, PROBE: 5})) == []


def test_a_start_with_a_large_unexplained_part_is_reported_once():
    first, second = (cold_start({WEIGHTS: 8, UNATTRIBUTED: dark}, pod=pod) for pod, dark in (("a", 4.0), ("b", 9.0)))
    found, = start_findings([first, second])
    assert (found.name, found.severity) == ("UnattributedStart", "Hint")
    assert found.evidence == "a: 4.0 s of 12.0 s belong to no phase"
    assert names(cold_start({WEIGHTS: 9, UNATTRIBUTED: 1})) == []


def test_what_no_source_showed_is_named():
    start = cold_start({WEIGHTS: 8, UNATTRIBUTED: 4})
    dark = replace(start.phases[1], note="no source showed: engine process")
    found, = start_findings([replace(start, phases=(start.phases[0], dark, dark))])
    assert found.evidence == "a: 8.0 s of 12.0 s belong to no phase; no source showed: engine process"


def test_the_unexplained_part_of_a_first_replica_is_no_finding():
    assert names(cold_start({WEIGHTS: 8, UNATTRIBUTED: 4}, Origin.INITIAL)) == []


def test_without_starts_there_are_no_findings():
    assert names() == []
