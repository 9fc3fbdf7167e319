"""Runs with figures made by hand, and the terms of a comparison of them."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

from elastometer.model.comparison import Comparison, VariantDifference
from elastometer.model.measure import Better, Measure, MeasureGroup, Scale
from elastometer.model.report import Verdict
from elastometer.model.run_figures import Question, RunFigures, RunLabel
from elastometer.model.study import Gate
from elastometer.study.compare.compare import compare
from elastometer.study.compare.question import question_of
from elastometer.study.compare.terms import CompareTerms, VariantTerms

Values = Mapping[str, Sequence[float | None]]
SPEC: dict[str, object] = {
    "target": {"model": {"name": "m"}}, "autoscaler": {"type": "HorizontalPodAutoscaler"},
    "load": {"seed": 7, "workers": 2, "stages": [{"name": "calm", "type": "Rate", "durationSeconds": 30}]},
    "objectives": [{"name": "served", "indicator": "RequestSuccess", "minimumPercent": 99}],
}
QUESTION = question_of(SPEC)
MISSES, GPU = "missSeconds", "gpuSeconds"
# Three runs each. Misses are 10 s fewer with `eager`, GPU-seconds the same.
QUEUE: Values = {MISSES: [48, 50, 52], GPU: [600, 610, 620]}
EAGER: Values = {MISSES: [38, 40, 42], GPU: [605, 615, 610]}
# Never misses, for half as much again.
ALWAYS: Values = {MISSES: [0, 0, 0], GPU: [920, 915, 910]}


def run(
    variant: str, repetition: int, figures: Mapping[str, float | None], verdict: Verdict = Verdict.PASS, *,
    scaler: str = "HorizontalPodAutoscaler", question: Question = QUESTION, excluded: str | None = None,
    samples: Mapping[str, Sequence[float]] | None = None,
) -> RunFigures:
    """One run; what is not in `figures` was not measured."""
    missing = {name: "not measured here" for name, value in figures.items() if value is None}
    return RunFigures(
        RunLabel(f"s-{variant}-{repetition}", variant, repetition), verdict, "", "", excluded, figures, missing,
        scaler=scaler, question=question, samples=samples or {})


def runs(values: Mapping[str, Values], verdict: Verdict = Verdict.PASS) -> list[RunFigures]:
    """variant -> measure -> one value for each repetition."""
    return [run(variant, index + 1, {name: column[index] for name, column in columns.items()}, verdict)
            for variant, columns in values.items() for index in range(max(map(len, columns.values())))]


def terms(*variants: str, gates: Sequence[Gate] = (), across: bool = False) -> CompareTerms:
    """The first variant is the baseline."""
    return CompareTerms("s", "team-a", variants[0], tuple(map(VariantTerms, variants)), tuple(gates), across)


def compared(values: Mapping[str, Values], *gates: Gate, verdict: Verdict = Verdict.PASS) -> Comparison:
    """The first variant is the baseline."""
    return compare(terms(*values, gates=gates), runs(values, verdict))


def difference(found: Comparison, measure: str, variant: str, baseline: str) -> VariantDifference:
    """The one difference, which must be there."""
    row = found.row(measure)
    seen = None if row is None else row.difference(variant, baseline)
    if seen is None:
        raise AssertionError(f"there must be a difference of {measure} between {variant} and {baseline}")
    return seen


def plain_measure(scale: Scale, better: Better = Better.LOWER, resolution: float = 1e-9) -> Measure:
    """A measure of no particular thing."""
    return Measure("x", "X", "x", better, MeasureGroup.LATENCY, "x", "a number", scale, resolution)
