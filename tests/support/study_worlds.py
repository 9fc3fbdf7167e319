"""A study whose figures are written by hand: four autoscalers and one that was tuned, three repetitions of each.

One run was not carried out, the fixed number of replicas has no cold start, and of money nothing is known. In `study`
intervals are written by hand as well (as wide as the values are apart), so that files of it depend on no statistics;
`compared` is what the comparison makes of the same runs, and `many` is a large study.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from statistics import mean, median

from elastometer.model.comparison import (
    Best,
    Comparison,
    Figure,
    GateResult,
    GateState,
    Judgement,
    MeasureRow,
    PredictedRow,
    RankAgreement,
    Speedup,
    VariantDifference,
    VariantSummary,
    Wins,
)
from elastometer.model.estimates import Interval
from elastometer.model.measure import Better, Measure
from elastometer.model.measurements import Steps
from elastometer.model.measures import GPU_SECONDS, MEASURES, MISS_SECONDS, MONEY, latency_name
from elastometer.model.report import Verdict
from elastometer.model.run_figures import RunFigures, RunLabel
from elastometer.model.study import Gate
from elastometer.study.compare.compare import compare
from elastometer.study.compare.terms import CompareTerms, VariantTerms

NAMES = ("cpu", "queue", "keda", "always-three", "tuned-1")
LOAD_SECONDS = 120.0
FIRST_TOKEN, COLD_START = latency_name("timeToFirstToken", 95), "coldStartP50Milliseconds"
NO_START = "no Pod was added by a scale-out and became Ready"
NOT_CARRIED_OUT = "the Pods of keda-3 were not scheduled within 300 s"
PATCH = "autoscaler:\n  horizontalPodAutoscaler:\n    minReplicas: 2\n    targetValue: '3'\n"
VALUES: Mapping[str, Mapping[str, Sequence[float]]] = {
    MISS_SECONDS: {"cpu": (61, 58, 66), "queue": (38, 41, 36), "keda": (40, 35), "always-three": (4, 6, 5),
                   "tuned-1": (19, 22, 18)},
    GPU_SECONDS: {"cpu": (402.1, 410.8, 398.3), "queue": (455.2, 462, 449.9), "keda": (447.3, 470.2),
                  "always-three": (903.5, 905.1, 904.2), "tuned-1": (404.4, 399, 410.7)},
    FIRST_TOKEN: {"cpu": (6810, 7205, 6630), "queue": (4120, 4410, 3990), "keda": (4800, 3900),
                  "always-three": (812, 845, 830), "tuned-1": (2310, 2505, 2280)},
    "successPercent": {"cpu": (99.2, 99.5, 98.9), "queue": (100, 99.9, 100), "keda": (100, 100),
                       "always-three": (100, 100, 100), "tuned-1": (100, 100, 99.9)},
    COLD_START: {"cpu": (11210, 11180, 11402), "queue": (11150, 11290, 11205), "keda": (11320, 11240),
                 "tuned-1": (11180, 11260, 11233)},
    "thetaUnderReady": {"cpu": (0.81, 0.77, 0.86), "queue": (0.42, 0.45, 0.4), "keda": (0.44, 0.41),
                        "always-three": (0, 0, 0), "tuned-1": (0.17, 0.2, 0.16)},
    "thetaOverReady": {"cpu": (0.21, 0.24, 0.2), "queue": (0.33, 0.31, 0.3), "keda": (0.35, 0.37),
                       "always-three": (1.42, 1.43, 1.42), "tuned-1": (0.38, 0.4, 0.39)},
    "scaleOuts": {"cpu": (2, 2, 2), "queue": (2, 3, 2), "keda": (2, 2),
                  "always-three": (0, 0, 0), "tuned-1": (2, 2, 2)},
    "workingSetPeakBytes": {"cpu": (4.02e9, 4.05e9, 4.01e9), "queue": (4.03e9, 4.04e9, 4.02e9),
                            "keda": (4.02e9, 4.06e9), "always-three": (4.0e9, 4.01e9, 4.0e9),
                            "tuned-1": (4.03e9, 4.02e9, 4.05e9)},
}
# Seconds at which the second and the third replica became Ready, by variant; each repetition is a second later.
READY_AT = {"cpu": (52.0, 71.0), "queue": (34.0, 49.0), "keda": (36.0, 50.0), "tuned-1": (24.0, 41.0)}
DEMAND: Steps = ((0.0, 1), (20.0, 2), (35.0, 3), (80.0, 2), (95.0, 1))


def study(names: Sequence[str] = NAMES) -> Comparison:
    """The comparison, with the first variant as its baseline."""
    rows = tuple(row(one, names) for one in MEASURES if one.name in VALUES or one.name == MONEY)
    runs = tuple(run for name in names for run in runs_of(name))
    return Comparison(
        study="autoscalers", namespace="team-a", baseline=names[0], verdict=Verdict.FAIL,
        verdict_reason="GatesRegressed",
        verdict_message="1 of 3 gates regressed: GPU-seconds of always-three, 124 % more than cpu, at most 20 %",
        best=Best("tuned-1", "tuned-1 is best: 42 fewer objective-miss seconds than cpu (−68 %), at the same cost"),
        sentences=("queue and keda are within the noise of each other in every main measure",
                   "always-three misses least, at more than twice the GPU-seconds",
                   f"autoscalers-keda-3 is not compared: not carried out: {NOT_CARRIED_OUT}"),
        variants=tuple(summary(name) for name in names), rows=rows,
        gates=(gate("tuned-1", GateState.HELD, "0.2 % more than cpu, at most 20 % allowed"),
               gate("always-three", GateState.REGRESSED, "124 % more than cpu, at most 20 % allowed"),
               gate("keda", GateState.CANNOT_TELL, "two runs are too few to tell 14 % more from 20 %")),
        speedups=(Speedup("queue", "always-three", 0.71, Interval(0.55, 0.93), Judgement.WORSE, ""),
                  Speedup("cpu", "always-three", None, None, Judgement.CANNOT_TELL, "θ under is 0 for always-three")),
        wins=tuple(wins(measure, one, other) for measure in (MISS_SECONDS, GPU_SECONDS)
                   for one in names for other in names if one != other),
        predicted=(PredictedRow("tuned-1", MISS_SECONDS, 21.0, 14.0, 33.0, 19.0, True),
                   PredictedRow("tuned-1", FIRST_TOKEN, 1480.0, 900.0, 2100.0, 2310.0, False)),
        agreement=(RankAgreement(MISS_SECONDS, 5, 6),), runs=runs,
        notes=("the objectives of keda-1 and keda-2 were judged from 118 s of load",), differing=(),
        question={"load": "ramp, 1 to 14 requests per second, 120 s", "objectives": "first-token p95 ≤ 2 s"},
        primary_cost=GPU_SECONDS, currency=None, judged=32, outside_by_chance=1.6)


def hostile(text: str) -> Comparison:
    """The study with a text of somebody else wherever it can hold one."""
    found = study(tuple(f"{name}{text}" for name in NAMES[:3]))
    return replace(
        found, study=text, namespace=text, verdict_message=text, best=Best(found.variants[1].name, text),
        sentences=tuple(f"{text} {number}" for number in range(8)), notes=(text,), differing=(text,),
        question={text: text},
        gates=tuple(replace(one, variant=text, allowed=text, message=text) for one in found.gates),
        speedups=tuple(replace(one, variant=text, against=text, reason=text) for one in found.speedups),
        predicted=tuple(replace(one, variant=text) for one in found.predicted),
        variants=tuple(replace(one, patch=text, front_reason=text) for one in found.variants),
        rows=tuple(replace(row, figures=tuple(replace(one, reason=text) for one in row.figures), differences=tuple(
            replace(one, reason=text) for one in row.differences)) for row in found.rows),
        runs=tuple(replace(run, reason=text, message=text, excluded=run.excluded and text) for run in found.runs))


def values_of(measure: str, variant: str) -> tuple[float, ...]:
    """By repetition. A name may go on after one that is known."""
    known = next((one for one in NAMES if variant.startswith(one)), variant)
    return tuple(map(float, VALUES.get(measure, {}).get(known, ())))


def row(measure: Measure, names: Sequence[str]) -> MeasureRow:
    """Figures, and the differences of every pair."""
    return MeasureRow(measure, tuple(figure(measure, name) for name in names), tuple(
        difference(measure, one, other) for one in names for other in names if one != other))


def figure(measure: Measure, variant: str) -> Figure:
    """The interval is as wide on both sides as the values are apart."""
    values = values_of(measure.name, variant)
    if not values:
        return Figure(variant, None, None, None, (), (), "no price per GPU hour" if measure.name == MONEY else NO_START)
    return Figure(variant, median(values), mean(values), around(mean(values), width(values)),
                  tuple(range(1, len(values) + 1)), values)


def width(values: Sequence[float]) -> float:
    """How far they are apart."""
    return max(values) - min(values)


def around(value: float, spread: float) -> Interval:
    """Rounded, so that a golden does not depend on the last bit."""
    return Interval(round(value - spread, 6), round(value + spread, 6))


def difference(measure: Measure, variant: str, baseline: str) -> VariantDifference:
    """Better or worse where the two intervals do not meet."""
    there, base = values_of(measure.name, variant), values_of(measure.name, baseline)
    if not there or not base:
        return VariantDifference(variant, baseline, None, None, None, None, Judgement.CANNOT_TELL,
                                 f"{variant if not there else baseline} has no value")
    absolute = mean(there) - mean(base)
    interval = around(absolute, width(there) + width(base))
    percent = 100 * absolute / mean(base) if mean(base) else None
    return VariantDifference(variant, baseline, round(absolute, 6), percent, interval, None,
                             judged(measure, interval), "the interval includes 0" if interval.low <= 0 <= interval.high
                             else "the interval excludes 0")


def judged(measure: Measure, interval: Interval) -> Judgement:
    """By the side of 0 on which the interval lies."""
    if interval.low <= 0 <= interval.high:
        return Judgement.WITHIN_NOISE
    return Judgement.BETTER if (interval.high < 0) == (measure.better is Better.LOWER) else Judgement.WORSE


def summary(name: str) -> VariantSummary:
    """A variant; keda has one run less than was planned."""
    compared = len(values_of(MISS_SECONDS, name))
    passed = 3 if name == "always-three" else 0
    return VariantSummary(
        name, 3, compared, passed, compared - passed, name == "always-three", name.startswith("tuned"),
        name in ("cpu", "always-three", "tuned-1"), None, {"cpu": 0.0, "always-three": 11.0}.get(name, 6.0),
        PATCH if name == "tuned-1" else None)


def gate(variant: str, state: GateState, message: str) -> GateResult:
    """Of GPU-seconds."""
    return GateResult(GPU_SECONDS, variant, "at most 20 % more", state, message)


def wins(measure: str, variant: str, against: str) -> Wins:
    """By the values themselves."""
    pairs = list(zip(values_of(measure, variant), values_of(measure, against), strict=False))
    won, lost = sum(one < other for one, other in pairs), sum(one > other for one, other in pairs)
    return Wins(measure, variant, against, won, lost, len(pairs) - won - lost)


def runs_of(name: str) -> tuple[RunFigures, ...]:
    """Three runs; the third of keda was not carried out."""
    made = len(values_of(MISS_SECONDS, name))
    return tuple(run(name, repetition, repetition <= made) for repetition in (1, 2, 3))


def run(name: str, repetition: int, was_made: bool) -> RunFigures:
    """One of them, with its curves."""
    label = RunLabel(f"autoscalers-{name}-{repetition}", name, repetition)
    if not was_made:
        return RunFigures(label, None, "NotCarriedOut", NOT_CARRIED_OUT, f"not carried out: {NOT_CARRIED_OUT}")
    passed = name == "always-three"
    figures = {measure: values_of(measure, name)[repetition - 1] for measure in VALUES if values_of(measure, name)}
    first, second = (at + repetition - 1 for at in READY_AT.get(name, (0.0, 0.0)))
    ready: Steps = ((-30.0, 3),) if passed else ((-30.0, 1), (first, 2), (second, 3), (112.0, 2))
    return RunFigures(
        label, Verdict.PASS if passed else Verdict.FAIL, "ObjectivesMet" if passed else "ObjectiveMissed",
        "all objectives were met" if passed else "first-token: p95 exceeds 2 s", None, figures,
        {COLD_START: NO_START} if passed else {}, LOAD_SECONDS, ready, ready, DEMAND,
        "None" if passed else "HorizontalPodAutoscaler", 3)


def compared(names: Sequence[str] = NAMES, repetitions: int = 3) -> Comparison:
    """The comparison of the same runs, or of the first of them."""
    terms = CompareTerms(
        "autoscalers", "team-a", names[0], gates=(Gate(GPU_SECONDS, percent=20),),
        variants=tuple(VariantTerms(name, repetitions, PATCH if name == "tuned-1" else None, name == "tuned-1")
                       for name in names))
    return compare(terms, [one for name in names for one in runs_of(name) if one.label.repetition <= repetitions])


def many(variants: int, repetitions: int) -> Comparison:
    """A study with a value of every measure in each of its runs, and long curves."""
    drawn, names = Random(1), [f"variant-{number:012d}" for number in range(variants)]
    return compare(
        CompareTerms("large", "team-a", names[0], tuple(VariantTerms(name, repetitions, PATCH) for name in names)),
        [_large_run(name, place, repetition, drawn) for place, name in enumerate(names)
         for repetition in range(1, repetitions + 1)])


def _large_run(name: str, place: int, repetition: int, drawn: Random) -> RunFigures:
    scale = {"ms": 1000.0, "bytes": 4e8}
    figures = {one.name: (10 + place) * drawn.uniform(1, 1.2) * scale.get(one.unit, 1.0) for one in MEASURES}
    curve: Steps = tuple((2.5 * at, 1 + (7 * at + place) % 5) for at in range(200))
    return RunFigures(
        RunLabel(f"large-{name}-{repetition}", name, repetition), Verdict.PASS, "ObjectivesMet",
        "all objectives were met", None, figures, {}, 500.0, curve, curve, curve, "HorizontalPodAutoscaler", 5, "EUR")
