"""A ScaledObject as the twin runs it: the HPA that KEDA creates, the triggers, and KEDA's own loop."""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elastometer.model.document import Document, document_at, documents_at, number_at, text_at, whole_at
from elastometer.model.errors import SpecError
from elastometer.model.triggers import CPU, POLLING_SECONDS, RESOURCE_TRIGGERS
from elastometer.promql.series import TestSeries
from elastometer.twin.formula import value_of
from elastometer.twin.metrics_view import Missing
from elastometer.twin.reading.formulas import read_formula
from elastometer.twin.reading.scaled_object_fields import refused_fields
from elastometer.twin.reading.triggers import (
    AVERAGE,
    FALSE,
    VALUE,
    ReadTrigger,
    external,
    is_number,
    read_trigger,
    shown,
)
from elastometer.twin.scenario import HpaController, KedaController
from elastometer.twin.sources import Formula, Trigger

Json = dict[str, Any]
# KEDA's other defaults for a ScaledObject that does not state them.
COOLDOWN_SECONDS, MAX_REPLICAS = 300.0, 100
COMPOSITE = "composite-metric"
_WHOLE = {"minReplicaCount": 0, "maxReplicaCount": 1, "idleReplicaCount": 0, "pollingInterval": 1, "cooldownPeriod": 0,
          "initialCooldownPeriod": 0}
_BEHAVIOR = ("advanced", "horizontalPodAutoscalerConfig", "behavior")
_METRIC = re.compile(r"spec\.metrics\[(\d+)\]")
# What follows it in a path of the HPA.
_TARGET = re.compile(r"^\.(external|resource|containerResource)\.target(?:\.\w+)?")
_CONTAINER = re.compile(r"^\.containerResource\.container\b")
_PAUSED, _ANNOTATIONS = "autoscaling.keda.sh/paused-replicas", (
    "autoscaling.keda.sh/paused", "autoscaling.keda.sh/paused-scale-in", "autoscaling.keda.sh/paused-scale-out",
    "autoscaling.keda.sh/force-activation")
_NEVER_WAKES = "at zero replicas the query sees no waiting request, since vLLM's series exist only while a replica " \
               "runs: this never wakes the service"


@dataclass(frozen=True, slots=True)
class ReadScaledObject:
    """`hpa` is the spec of the HPA that KEDA creates, its External metrics in the order of `triggers`. `notes` are what
    a reader should know about the triggers."""

    hpa: Json
    triggers: tuple[Trigger, ...]
    formula: Formula | None
    notes: tuple[str, ...]
    places: tuple[int, ...]

    def in_own_words(self, text: str) -> str:
        """A flaw or note about the HPA, with the path in the ScaledObject."""
        for ours, own in (("spec.behavior", ".".join(_BEHAVIOR)), ("spec.minReplicas", "minReplicaCount"),
                          ("spec.maxReplicas", "maxReplicaCount")):
            if text.startswith(ours):
                return own + text.removeprefix(ours)
        found = _METRIC.match(text)
        if found is None:
            return text
        place, rest = self.places[int(found[1])], text[found.end():]
        if place < 0:
            return f"advanced.scalingModifiers{_TARGET.sub('.target', rest, count=1)}"
        return f"triggers[{place}]{_CONTAINER.sub('.metadata.containerName', _TARGET.sub(_own_target, rest), count=1)}"


def read_scaled_object(spec: Document, series: TestSeries, *, is_recorded: bool = False) -> ReadScaledObject:
    """The spec of a ScaledObject. `is_recorded`: a run has shown that KEDA can read its triggers. Raises SpecError with
    what KEDA refuses and with what has no model."""
    written = documents_at(spec, "triggers")
    flaws = [*refused_fields(spec, is_recorded=is_recorded), *_count_flaws(spec), *_trigger_flaws(written)]
    read: list[ReadTrigger] = []
    for index, trigger in enumerate(written):
        try:
            read.append(read_trigger(index, trigger, series, is_recorded=is_recorded))
        except SpecError as error:
            flaws += error.flaws
    if flaws:
        raise SpecError(*flaws)
    triggers = tuple(one.trigger for one in read if one.trigger is not None)
    formula = _formula(spec, written, triggers)
    notes = (note for one in read for note in one.notes)
    metrics = _metrics(read, spec, formula)
    return ReadScaledObject(
        _hpa(spec, [metric for _, metric in metrics]), triggers, formula,
        (*notes, *_notes_at_zero(spec, read, formula), *_fallback_notes(spec, read)),
        tuple(place for place, _ in metrics))


def _own_target(found: re.Match[str]) -> str:
    return ".metadata.threshold" if found[1] == "external" else ".metadata.value"


def annotation_flaws(metadata: Document) -> Iterator[str]:
    """Annotations by which KEDA pauses or forces scaling."""
    annotations = document_at(metadata, "annotations")
    given = [name for name in _ANNOTATIONS if name in annotations and annotations[name] not in FALSE]
    for name in (*given, *([_PAUSED] if _PAUSED in annotations else [])):
        yield (f"metadata.annotations[{name}]: must be absent to be simulated (pausing and forced activation are not "
               f"modelled), is {annotations[name]!r}")


def keda_loop(hpa: HpaController, spec: Document, read: ReadScaledObject) -> KedaController:
    """KEDA's own loop around the HPA, as the spec of a ScaledObject states it."""
    cooldown = number_at(spec, "cooldownPeriod")
    return KedaController(
        hpa, polling_seconds=number_at(spec, "pollingInterval") or POLLING_SECONDS,
        cooldown_seconds=COOLDOWN_SECONDS if cooldown is None else cooldown,
        minimum=whole_at(spec, "minReplicaCount") or 0, triggers=read.triggers, formula=read.formula,
        idle_replicas=whole_at(spec, "idleReplicaCount"),
        initial_cooldown_seconds=number_at(spec, "initialCooldownPeriod") or 0.0,
    )


def _count_flaws(spec: Document) -> Iterator[str]:
    wrong = [(name, least) for name, least in _WHOLE.items() if spec.get(name) is not None
             and ((found := whole_at(spec, name)) is None or found < least)]
    for name, least in wrong:
        yield f"{name}: must be a whole number of at least {least}, is {spec[name]!r}"
    if wrong:
        return
    minimum, idle = whole_at(spec, "minReplicaCount"), whole_at(spec, "idleReplicaCount")
    most = _maximum(spec)
    if (minimum or 0) > most:
        yield f"minReplicaCount: must be at most maxReplicaCount ({most}), is {minimum}"
    if idle is not None and idle >= (minimum or 0):
        yield f"idleReplicaCount: must be below minReplicaCount ({minimum or 0}), is {idle}"
    kinds = {text_at(trigger, "type") for trigger in documents_at(spec, "triggers")}
    if not minimum and kinds and kinds <= set(RESOURCE_TRIGGERS):
        yield (f"minReplicaCount: must be at least 1 where all triggers are cpu or memory, which have no value at "
               f"zero, is {minimum or 0}")


def _trigger_flaws(written: Sequence[Document]) -> Iterator[str]:
    if not written:
        yield "triggers: must hold at least one trigger, is empty"
    names = [text_at(trigger, "name") for trigger in written]
    for index, name in enumerate(names):
        if name and name in names[:index]:
            yield f"triggers[{index}].name: must differ from the names of the other triggers, is {name!r}"


def _formula(spec: Document, written: Sequence[Document], triggers: Sequence[Trigger]) -> Formula | None:
    modifiers, path = document_at(spec, "advanced", "scalingModifiers"), "advanced.scalingModifiers"
    if not any(modifiers.values()):
        return None
    flaws = list(_modifier_flaws(modifiers, path))
    flaws += [f"triggers[{index}].name: must be given where scalingModifiers has a formula, is absent"
              for index, trigger in enumerate(written) if text_at(trigger, "type") != CPU and not trigger.get("name")]
    if flaws:
        raise SpecError(*flaws)
    text = str(modifiers["formula"])
    term = read_formula(f"{path}.formula", text, [trigger.name for trigger in triggers])
    return Formula(text, term, float(str(modifiers.get("activationTarget") or "0")))


def _modifier_flaws(modifiers: Document, path: str) -> Iterator[str]:
    formula, target = modifiers.get("formula"), modifiers.get("target")
    if not formula:
        yield f"{path}.formula: must be given, is absent or empty"
    if not is_number(target) or float(str(target)) < 0.001:
        yield f"{path}.target: must be a number of at least 0.001 as a string, is {shown(target)}"
    activation = modifiers.get("activationTarget") or "0"
    if not is_number(activation):
        yield f"{path}.activationTarget: must be a number as a string, is {activation!r}"
    kind = modifiers.get("metricType") or AVERAGE
    if kind not in (AVERAGE, VALUE):
        yield f"{path}.metricType: must be {AVERAGE} or {VALUE}, is {kind!r}"


def _metrics(read: Sequence[ReadTrigger], spec: Document, formula: Formula | None) -> list[tuple[int, Json]]:
    """(index of the trigger, metric of the HPA), in KEDA's order; -1 for the metric of the formula, which takes the
    place of all External metrics and of those of single containers."""
    every = sorted(((index, one.metric) for index, one in enumerate(read)), key=lambda pair: str(pair[1]["type"]))
    if formula is None:
        return every
    modifiers = document_at(spec, "advanced", "scalingModifiers")
    target = int(float(str(modifiers["target"])) * 1000)
    composite = external(COMPOSITE, str(modifiers.get("metricType") or AVERAGE), target)
    return [*(pair for pair in every if pair[1]["type"] == "Resource"), (-1, composite)]


def _hpa(spec: Document, metrics: list[Json]) -> Json:
    """`minReplicaCount` 0 gives minReplicas 1; absent policies stay absent, for the API server to fill in."""
    behavior = document_at(spec, *_BEHAVIOR)
    return {
        "scaleTargetRef": document_at(spec, "scaleTargetRef"), "minReplicas": whole_at(spec, "minReplicaCount") or 1,
        "maxReplicas": _maximum(spec), "metrics": metrics,
        **({"behavior": behavior} if behavior else {}),
    }


def _maximum(spec: Document) -> int:
    most = whole_at(spec, "maxReplicaCount")
    return MAX_REPLICAS if most is None else most


def _notes_at_zero(spec: Document, read: Sequence[ReadTrigger], formula: Formula | None) -> Iterator[str]:
    """Whether a service that was scaled to zero can be woken."""
    if whole_at(spec, "minReplicaCount") and whole_at(spec, "idleReplicaCount") != 0:
        return
    numbers = {index: _at_zero(one) for index, one in enumerate(read) if one.trigger is not None}
    if formula is not None:
        if not _wakes_by_formula(formula, read, numbers):
            yield f"{formula.path}: {_NEVER_WAKES}"
        return
    for index, number in numbers.items():
        trigger = read[index].trigger
        if number is None or trigger is None or number <= trigger.activation:
            yield f"triggers[{index}].metadata.query: {_NEVER_WAKES}"


def _at_zero(read: ReadTrigger) -> float | None:
    """What the trigger answers without a replica; None for an error."""
    if read.asked is None or read.trigger is None:
        return None
    number = read.asked.at_size[0]
    if number is Missing.EMPTY and read.trigger.null_is_zero:
        return 0.0
    return None if isinstance(number, Missing) else number


def _wakes_by_formula(formula: Formula, read: Sequence[ReadTrigger], numbers: Mapping[int, float | None]) -> bool:
    named = {trigger.name: number for index, number in numbers.items()
             if (trigger := read[index].trigger) is not None and number is not None}
    return len(named) == len(numbers) and value_of(formula.term, named) > formula.activation


def _fallback_notes(spec: Document, read: Sequence[ReadTrigger]) -> Iterator[str]:
    fallback = document_at(spec, "fallback")
    if not fallback:
        return
    if all(one.trigger is None for one in read) and not document_at(spec, "advanced", "scalingModifiers"):
        raise SpecError(f"fallback: must be absent where all triggers are {CPU}, since KEDA rejects it, "
                        f"is {dict(fallback)!r}")
    for index, one in enumerate(read):
        if one.asked is not None and one.trigger is not None and one.asked.may_fail(one.trigger.null_is_zero):
            raise SpecError(f"fallback: must be absent to be simulated, since triggers[{index}] can fail and what KEDA "
                            f"serves then is not modelled; is {dict(fallback)!r}")
    yield "fallback: has no effect on the prediction, in which no trigger fails"
