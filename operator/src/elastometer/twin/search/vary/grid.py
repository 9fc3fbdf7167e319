"""The candidates of a search: which values each field may take, and which combinations of them are tried.

First come the recorded settings, then every other value of each field alone, then combinations. Each field keeps its
recorded value in half of the combinations, and its other values share the rest evenly, in a random order drawn from the
seed. The same run, seed and count give the same candidates on every machine.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from elastometer.hpa.quantity import quantity
from elastometer.hpa.settings import HpaSpec, Metric, MetricType, TargetType
from elastometer.model.capacity import Capacity
from elastometer.model.spec import ScalerType
from elastometer.twin.measured import sources_of
from elastometer.twin.randomness import stream
from elastometer.twin.reading.scaled_object import COMPOSITE
from elastometer.twin.scenario import Balancing
from elastometer.twin.search.vary.candidates import METRIC, Baseline
from elastometer.twin.search.vary.fields import FORMULA_TARGET, MAXIMUM, MINIMUM, Setting
from elastometer.twin.search.vary.knobs import BALANCING, hpa_of
from elastometer.twin.sources import Signal

Option = tuple[Setting, ...]
TARGET = "target"
RECORDED: Option = ()
TARGET_FACTORS = (0.5, 0.75, 1.25, 1.5, 2.0, 3.0)
PERCENT_TARGETS = (40, 50, 60, 70, 80, 90)
RUNNING_SHARES = (0.5, 0.65, 0.8, 0.9)  # of the slots
KV_SHARES = ("0.5", "0.65", "0.8", "0.9")
WAITING_TARGETS = (1, 2, 3, 5, 8)
UP_WINDOWS, DOWN_WINDOWS = (0, 15, 30, 60), (0, 30, 60, 120, 300, 600)
UP_POLICIES = ((("Pods", 1, 15),), (("Pods", 2, 15),), (("Pods", 4, 15),), (("Percent", 100, 15),),
               (("Pods", 4, 15), ("Percent", 100, 15)), (("Pods", 1, 60),))
DOWN_POLICIES = ((("Pods", 1, 15),), (("Pods", 2, 15),), (("Pods", 1, 60),), (("Percent", 100, 15),),
                 (("Percent", 10, 60),))
UP_TOLERANCES, DOWN_TOLERANCES = ("0", "0.05"), ("0.2", "0.3")
MORE_REPLICAS, MAX_REPLICAS_FACTORS = (1, 2, 3), (0.75, 1.5, 2.0)
POLLING_SECONDS = (5, 15, 30)
# The most rounds of shuffled combinations: a small grid is exhausted before `count` different candidates are found.
_MAX_ROUNDS = 20
_VERSION = re.compile(r"v?(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Dimension:
    """One field, or two that go together, with its possible values other than the recorded one."""

    name: str
    options: tuple[Option, ...]


def dimensions(
    base: Baseline, *, tolerances: bool, cold_start_scales: Sequence[float] = (), balancing: bool = False,
) -> list[Dimension]:
    """What may be varied on this autoscaler. `tolerances`: the API server has the field per direction."""
    hpa = hpa_of(base.scenario)
    if hpa is None:
        return []
    is_keda = base.kind is ScalerType.KEDA
    spec = hpa.spec
    made = [
        Dimension("metric", _metrics(base, spec, is_keda)),
        _plain(MINIMUM[base.kind], [1, *(spec.minimum + more for more in MORE_REPLICAS)]),
        _plain(MAXIMUM[base.kind], [max(1, ceil(factor * spec.maximum)) for factor in MAX_REPLICAS_FACTORS]),
        _plain("behavior.scaleUp.stabilizationWindowSeconds", UP_WINDOWS),
        _plain("behavior.scaleDown.stabilizationWindowSeconds", DOWN_WINDOWS),
        _plain("behavior.scaleUp.policies", [_policies(policies) for policies in UP_POLICIES]),
        _plain("behavior.scaleDown.policies", [_policies(policies) for policies in DOWN_POLICIES]),
    ]
    if tolerances:
        made += [_plain("behavior.scaleUp.tolerance", UP_TOLERANCES),
                 _plain("behavior.scaleDown.tolerance", DOWN_TOLERANCES)]
    if is_keda and spec.minimum == 0:
        made.append(_plain("pollingInterval", POLLING_SECONDS))
    if cold_start_scales:
        made.append(_plain("coldStart.scale", cold_start_scales))
    if balancing:
        made.append(_plain(BALANCING, [one.value for one in Balancing if one is not base.scenario.balancing]))
    return [dimension for dimension in made if dimension.options]


def knows_tolerances(version: str | None) -> bool:
    """Whether an API server of this version (such as v1.35.4) keeps `behavior.….tolerance`: by default from 1.35 on."""
    found = _VERSION.match(version or "")
    return found is None or (int(found[1]), int(found[2])) >= (1, 35)


def _plain(path: str, values: Sequence[object]) -> Dimension:
    return Dimension(path, tuple((Setting(path, value),) for value in values))


def _policies(entries: Sequence[tuple[str, int, int]]) -> list[dict[str, object]]:
    return [{"type": kind, "value": value, "periodSeconds": period} for kind, value, period in entries]


def _metrics(base: Baseline, spec: HpaSpec, is_keda: bool) -> tuple[Option, ...]:
    """The recorded metric with other targets, and other metrics with theirs; of several metrics, only the first one's
    target. A formula has a target of its own, and only a plain sum can read another metric instead."""
    sources, target = sources_of(base.scenario.controller), _target(spec, is_keda)
    if target is None:
        return ()
    path, found = target[0], [*other_targets(base, TARGET_FACTORS)]
    if path != TARGET or not isinstance(sources[0], Signal):
        return tuple(found)
    for signal, targets in _others(base.scenario.capacity, is_keda).items():
        if signal is not sources[0]:
            found += [(Setting(METRIC, signal.value), Setting(TARGET, target)) for target in targets]
    return tuple(found)


def other_targets(base: Baseline, factors: Sequence[float]) -> tuple[Option, ...]:
    """The target of the recorded metric times each factor; of a utilization, fixed percentages."""
    hpa, is_keda = hpa_of(base.scenario), base.kind is ScalerType.KEDA
    target = None if hpa is None else _target(hpa.spec, is_keda)
    if target is None:
        return ()
    path, first = target
    if first.target_type is TargetType.UTILIZATION:
        own: list[object] = [value for value in PERCENT_TARGETS if value != first.target]
    else:
        # KEDA reads its thresholds as numbers, the HPA its targets as quantities.
        written = _number if is_keda else _quantity
        own = [written(first.target * factor) for factor in factors]
    return tuple((Setting(path, value),) for value in own)


def _target(spec: HpaSpec, is_keda: bool) -> tuple[str, Metric] | None:
    """The path of the target that is varied, and its metric. KEDA writes cpu before its other triggers, and has one
    target for a whole formula."""
    if not is_keda:
        return (TARGET if len(spec.metrics) == 1 else "metrics[0].target"), spec.metrics[0]
    if len(spec.metrics) == 1 and spec.metrics[0].name != COMPOSITE:
        return TARGET, spec.metrics[0]
    first = next((metric for metric in spec.metrics if metric.type is MetricType.EXTERNAL), None)
    if first is None:
        return None
    number = first.name.removeprefix("s").partition("-")[0]
    return (FORMULA_TARGET if first.name == COMPOSITE else f"triggers[{number}].metadata.threshold"), first


def _others(capacity: Capacity, is_keda: bool) -> dict[Signal, Sequence[object]]:
    """Metrics that vLLM serves and that the calibrated twin can compute, with their targets."""
    running = dict.fromkeys(max(1, round(share * capacity.slots)) for share in RUNNING_SHARES)
    found: dict[Signal, Sequence[object]] = {Signal.WAITING: WAITING_TARGETS, Signal.RUNNING: tuple(running)}
    if capacity.kv_tokens is not None:
        found[Signal.KV_CACHE] = KV_SHARES
    if capacity.cpu_seconds_per_token is not None and capacity.requests.get("cpu") and not is_keda:
        found[Signal.CPU] = PERCENT_TARGETS
    return found


def _quantity(milli: float) -> str:
    return quantity(max(1, round(milli)))


def _number(milli: float) -> str:
    return f"{max(1, round(milli)) / 1000:g}"


def candidates(found: Sequence[Dimension], count: int, seed: int) -> list[Option]:
    """At most `count` different candidates, the recorded settings first."""
    made: dict[str, Option] = {}
    for option in _in_order(found, count, seed):
        made.setdefault("; ".join(map(str, option)), option)
        if len(made) >= count:
            break
    return list(made.values())


def _in_order(found: Sequence[Dimension], count: int, seed: int) -> Iterator[Option]:
    yield RECORDED
    for dimension in found:
        yield from dimension.options
    for round_number in range(_MAX_ROUNDS):
        columns = [_column(dimension, count, seed, round_number) for dimension in found]
        for row in zip(*columns, strict=True):
            yield tuple(setting for option in row for setting in option)


def _column(dimension: Dimension, count: int, seed: int, round_number: int) -> list[Option]:
    """A shuffled column: half of the entries are the recorded value, the others share the rest evenly."""
    deck = [*([RECORDED] * len(dimension.options)), *dimension.options]
    column = (deck * (count // len(deck) + 1))[:count]
    stream(seed, f"search/{dimension.name}/{round_number}").shuffle(column)
    return column
