"""The runs of a study in the order in which they are made. Pure: the same spec always gives the same order."""
from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from elastometer.model.study import Order, StudySpec, Variant
from elastometer.model.study_names import WARMUP_REPETITION


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One run. Repetitions are counted from 1; that of the warm-up, a run of the baseline which is not judged, is 0."""

    name: str
    variant: str
    repetition: int
    judged: bool = True


def planned_runs(study: StudySpec, tuned: Sequence[Variant] = ()) -> tuple[PlannedRun, ...]:
    """All runs, the warm-up first, and last those of the variants that a search found."""
    warmup = PlannedRun(study.names.warmup, study.baseline, WARMUP_REPETITION, judged=False)
    return (*((warmup,) if study.warmup else ()), *_ordered(study, study.variants), *_ordered(study, tuned))


def _ordered(study: StudySpec, variants: Sequence[Variant]) -> Iterator[PlannedRun]:
    names = [variant.name for variant in variants]
    last = {variant.name: study.repetitions_of(variant) for variant in variants}
    repetitions = range(1, study.repetitions + 1)
    if study.order is Order.SEQUENTIAL:
        pairs = [(name, repetition) for name in names for repetition in repetitions]
    else:
        pairs = [(name, repetition) for repetition in repetitions for name in _drawn(study, names, repetition)]
    for name, repetition in pairs:
        if repetition <= last[name]:
            yield PlannedRun(study.names.run_name(name, repetition), name, repetition)


def _drawn(study: StudySpec, names: Sequence[str], repetition: int) -> Sequence[str]:
    """The variants in the order of one repetition. Randomized sorts by digests, which no release of Python changes."""
    if study.order is not Order.RANDOMIZED:
        return names
    return sorted(names, key=lambda name: hashlib.sha256(f"{study.seed}/{repetition}/{name}".encode()).digest())
