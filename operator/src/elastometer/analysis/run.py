"""A run as every question about it begins: its bundle, the evidence, and what several answers need of that, each once.

Judging, what-if and the backtest are given the same `DerivedRun`, so that they cannot disagree about it.
"""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.analysis.evidence.evidence import Evidence, gather
from elastometer.analysis.evidence.replicas import ReplicaCurves, replica_curves
from elastometer.analysis.evidence.scaling import Change, changes
from elastometer.analysis.starts.coldstart import Start, starts
from elastometer.model.bundle import Bundle


@dataclass(frozen=True, slots=True)
class DerivedRun:
    """`changes` are those of spec.replicas, `starts` one per server Pod, both in order; none of it is ever changed."""

    bundle: Bundle
    evidence: Evidence
    changes: tuple[Change, ...]
    starts: tuple[Start, ...]
    replicas: ReplicaCurves


def derive_run(bundle: Bundle) -> DerivedRun:
    """Everything that is derived from a bundle, whole or partial, before anything is asked of it."""
    evidence = gather(bundle)
    found = tuple(changes(evidence))
    return DerivedRun(bundle, evidence, found, tuple(starts(evidence, found)), replica_curves(evidence))
