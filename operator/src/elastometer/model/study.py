"""ElasticityStudy as served by the API -> StudySpec.

The CRD rejects a wrong shape; this module rejects a wrong meaning (SpecError names path, rule and value). Whether the
tests that the variants make can be carried out is asked of each of them (`study.variants`).
The API server fills in the CRD's defaults. They are repeated here for specs that come from a file.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from elastometer.model.document import text_at
from elastometer.model.errors import SpecError
from elastometer.model.measure import Better
from elastometer.model.measures import measure_flaw
from elastometer.model.names import MAX_TEST_NAME
from elastometer.model.schema import shown
from elastometer.model.study_names import TUNED_PREFIX, StudyNames, tuned_name

Json = dict[str, Any]
MAX_RUNS = 200
# As in the CRD: what is left of the 40 characters of a run's name for the shortest variant and repetition.
MAX_STUDY_NAME = 36
DEFAULT_CANDIDATES, DEFAULT_CONFIRM = 1000, 3
_TUNED = re.compile(rf"{TUNED_PREFIX}[0-9]+")


class Order(StrEnum):
    """In which order the runs are made."""

    INTERLEAVED = "Interleaved"
    """The first repetition of every variant, then the second: a drift of the cluster affects all variants alike."""
    SEQUENTIAL = "Sequential"
    """All repetitions of the first variant, then all of the second."""
    RANDOMIZED = "Randomized"
    """As Interleaved, with an order of the variants that is drawn for each repetition."""


class Preset(StrEnum):
    """A patch that follows from the template."""

    STATIC_MINIMUM = "StaticMinimum"
    STATIC_MAXIMUM = "StaticMaximum"
    CALIBRATION = "Calibration"


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run the template. `patch` is a JSON merge patch (RFC 7386), applied after the preset's. That of a
    variant which a search found is applied to the test of the variant `source` instead."""

    name: str
    patch: Json
    preset: Preset | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class StopWhen:
    """What ends a study before all its runs are done. `gpu_seconds` are those of all runs together, `minutes` count
    from the study's start; None sets no limit."""

    variant_passes: bool = False
    run_fails: bool = False
    gpu_seconds: int | None = None
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """How much worse than the baseline a measure may be: by `percent` of the baseline's value, or by `absolute` in the
    measure's unit; exactly one is given. A `direction` of None is the measure's own."""

    measure: str
    percent: int | None = None
    absolute: Decimal | None = None
    direction: Better | None = None


@dataclass(frozen=True, slots=True)
class TuneSpec:
    """A search for better settings of the variant `source`, the best of which are run as variants `tuned-1` to
    `tuned-<confirm>`. `maximum_gpu_seconds` is the most that one run may be predicted to use."""

    source: str
    candidates: int = DEFAULT_CANDIDATES
    confirm: int = DEFAULT_CONFIRM
    maximum_gpu_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class StudySpec:
    """One study, parsed. `template` is the spec of an ElasticityTest, with the CRD's defaults if it was served."""

    names: StudyNames
    generation: int
    template: Json
    variants: tuple[Variant, ...]
    baseline: str
    repetitions: int
    order: Order
    seed: int
    parallelism: int
    warmup: bool
    stop_when: StopWhen
    gates: tuple[Gate, ...]
    tune: TuneSpec | None
    raw: Json

    def variant(self, name: str) -> Variant:
        """The variant of that name; raises KeyError if the spec has none."""
        return {one.name: one for one in self.variants}[name]


def parse_study(body: Mapping[str, Any]) -> StudySpec:
    """Parses the object as served. Raises SpecError with every flaw found."""
    meta, spec = body["metadata"], body["spec"]
    variants = tuple(_variant(item) for item in spec["variants"])
    study = StudySpec(
        names=StudyNames(meta["namespace"], meta["name"], meta.get("uid", "")),
        generation=int(meta.get("generation", 1)),
        template=spec["template"],
        variants=variants,
        baseline=spec.get("baseline") or _first_compared(variants),
        repetitions=spec.get("repetitions", 1),
        order=Order(spec.get("order", Order.INTERLEAVED)),
        seed=spec.get("seed", 0),
        parallelism=spec.get("parallelism", 1),
        warmup=spec.get("warmup", "Skip") == "Run",
        stop_when=_stop_when(spec.get("stopWhen", {})),
        gates=tuple(_gate(item) for item in spec.get("gates", ())),
        tune=_tune(spec["tune"]) if "tune" in spec else None,
        raw=dict(spec),
    )
    flaws = [*_variant_flaws(study), *_gate_flaws(study), *_count_flaws(study), *_name_flaws(study)]
    if flaws:
        raise SpecError(*flaws)
    return study


def tuned_variant(tune: TuneSpec, number: int, patch: Json) -> Variant:
    """A variant that the search found; they are counted from 1. `patch` changes the spec of the source's test."""
    return Variant(tuned_name(number), patch, source=tune.source)


def run_count(study: StudySpec) -> int:
    """How many runs the study has if nothing stops it: the warm-up and those of the tuned variants too."""
    tuned = 0 if study.tune is None else study.tune.confirm
    return (len(study.variants) + tuned) * study.repetitions + study.warmup


def _variant(item: Json) -> Variant:
    preset = item.get("preset")
    return Variant(item["name"], item.get("patch") or {}, None if preset is None else Preset(preset))


def _stop_when(item: Json) -> StopWhen:
    return StopWhen(item.get("variantPasses", False), item.get("runFails", False), item.get("gpuSeconds"),
                    item.get("minutes"))


def _tune(item: Json) -> TuneSpec:
    return TuneSpec(item["from"], item.get("candidates", DEFAULT_CANDIDATES), item.get("confirm", DEFAULT_CONFIRM),
                    item.get("maximumGpuSeconds"))


def _gate(item: Json) -> Gate:
    absolute, direction = text_at(item, "maximumRegression"), text_at(item, "direction")
    return Gate(item["measure"], item.get("maximumRegressionPercent"),
                None if absolute is None else Decimal(absolute), None if direction is None else Better(direction))


def _first_compared(variants: tuple[Variant, ...]) -> str:
    """The first variant that has the template's load, if there is one; a calibration has another load."""
    return next((one.name for one in variants if one.preset is not Preset.CALIBRATION), variants[0].name)


def _variant_flaws(study: StudySpec) -> Iterator[str]:
    known = [one.name for one in study.variants]
    for index, name in enumerate(known):
        if name in known[:index]:
            yield f"spec.variants[{index}].name: must differ from that of every other variant, is {name!r}"
        if _TUNED.fullmatch(name):
            yield (f"spec.variants[{index}].name: must not be {TUNED_PREFIX!r} and a number, which variants found by "
                   f"`tune` are called, is {name!r}")
    named = {"spec.baseline": study.baseline, **({} if study.tune is None else {"spec.tune.from": study.tune.source})}
    others = any(one.preset is not Preset.CALIBRATION for one in study.variants)
    for path, name in named.items():
        if name not in known:
            yield f"{path}: must be the name of a variant ({', '.join(known)}), is {name!r}"
        elif others and study.variant(name).preset is Preset.CALIBRATION:
            yield f"{path}: must be a variant that has the template's load, is {name!r}, which is a Calibration"


def _gate_flaws(study: StudySpec) -> Iterator[str]:
    for index, gate in enumerate(study.gates):
        path = f"spec.gates[{index}]"
        if (gate.percent is None) == (gate.absolute is None):
            found = "both" if gate.percent is not None else "neither"
            yield f"{path}: must have exactly one of maximumRegressionPercent and maximumRegression, has {found}"
        if (flaw := measure_flaw(gate.measure)) is not None:
            yield f"{path}.measure: {flaw}"
        elif gate.measure in [other.measure for other in study.gates[:index]]:
            yield f"{path}.measure: must differ from that of every other gate, is {gate.measure!r}"
    if study.gates and len(study.variants) == 1 and study.tune is None:
        yield (f"spec.gates: must not be given for one variant, since a gate compares others with the baseline, "
               f"has {len(study.gates)}")


def _count_flaws(study: StudySpec) -> Iterator[str]:
    if (runs := run_count(study)) > MAX_RUNS:
        yield (f"spec.repetitions: must make at most {MAX_RUNS} runs, makes {runs}; reduce repetitions "
               f"({study.repetitions}) or variants ({len(study.variants)})")


def _name_flaws(study: StudySpec) -> Iterator[str]:
    """The runs' own names, each with what it comes from."""
    names, last = study.names, study.repetitions
    runs = {f"spec.variants[{index}].name": names.run_name(one.name, last) for index, one in enumerate(study.variants)}
    if study.warmup:
        runs["spec.warmup"] = names.warmup
    if study.tune is not None:
        runs["spec.tune.confirm"] = names.run_name(tuned_name(study.tune.confirm), last)
    for path, run in runs.items():
        if len(run) > MAX_TEST_NAME:
            yield (f"{path}: must make runs with names of at most {MAX_TEST_NAME} characters, makes {shown(run)} "
                   f"({len(run)}); shorten the variant's name or that of the study")
    if text_at(study.template, "load", "filesFrom", "configMapRef", "name") == names.report:
        yield (f"spec.template.load.filesFrom.configMapRef.name: must not be the ConfigMap that the study creates "
               f"itself, is {names.report}; give yours another name")
