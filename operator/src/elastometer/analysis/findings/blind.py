"""The finding from stretches that no objective covers."""
from __future__ import annotations

from collections.abc import Iterator

from elastometer.model.findings import FindingName, Severity
from elastometer.model.report import Finding
from elastometer.model.story import Blind, Stretch
from elastometer.model.terms import Objective


def objective_blind(blind: Blind | None) -> Iterator[Finding]:
    """No finding if every bad stretch is covered."""
    if blind is None:
        return
    limit = f"{blind.limit_milliseconds / 1000:g} s"
    where = "; ".join(map(_stretch, blind.stretches))
    stages = ", ".join(f"'{name}'" for name in blind.stages)
    yield Finding(
        FindingName.OBJECTIVE_BLIND, Severity.WARNING, "No objective covers a bad stretch of the run",
        f"For {blind.seconds:.0f} s p95 of the first token was above {limit} ({blind.rule}): {where}. No objective "
        f"bounds the first token or the latency of these requests (stages {stages})",
        "The verdict says nothing about the users of these seconds. Add an objective, with the bound that you promise: "
        f"`{in_yaml(blind.proposed)}`.")


def in_yaml(objective: Objective) -> str:
    """The objective as an entry of `spec.objectives`."""
    return (f"{{name: {objective.name}, indicator: {objective.indicator}, percentile: {objective.percentile}, "
            f"maximumMilliseconds: {objective.maximum_milliseconds}}}")


def _stretch(one: Stretch) -> str:
    return f"{one.start_seconds:+.0f} to {one.end_seconds:+.0f} s, at worst {one.worst_p95_milliseconds / 1000:.1f} s"
