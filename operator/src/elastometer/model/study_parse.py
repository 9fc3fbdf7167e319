"""ElasticityStudy as served by the API -> StudySpec.

The CRD rejects a wrong shape; this module rejects a wrong meaning (SpecError names path, rule and value). Whether the
tests that the variants make can be carried out is asked of each of them (`study.variants`).
The API server fills in the CRD's defaults. They are repeated here for specs that come from a file.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from elastometer.model.document import text_at
from elastometer.model.errors import SpecError
from elastometer.model.measure import Better
from elastometer.model.measures import measure_flaw
from elastometer.model.names import MAX_TEST_NAME
from elastometer.model.schema import shown
from elastometer.model.study import (
    DEFAULT_CANDIDATES,
    DEFAULT_CONFIRM,
    MAX_RUNS,
    Gate,
    Json,
    Order,
    Preset,
    StopWhen,
    StudySpec,
    TuneSpec,
    Variant,
    run_count,
)
from elastometer.model.study_names import TUNED_PREFIX, StudyNames, tuned_name

_TUNED = re.compile(rf"{TUNED_PREFIX}[0-9]+")


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
        allow_different=spec.get("allowDifferent", False),
        raw=dict(spec),
    )
    flaws = [*_variant_flaws(study), *_gate_flaws(study), *_count_flaws(study), *_name_flaws(study)]
    if flaws:
        raise SpecError(*flaws)
    return study


def _variant(item: Json) -> Variant:
    preset = item.get("preset")
    return Variant(item["name"], item.get("patch") or {}, None if preset is None else Preset(preset),
                   repetitions=item.get("repetitions"), compared=item.get("compared", True))


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
    """The first variant that is compared, if there is one."""
    return next((one.name for one in variants if one.is_comparable), variants[0].name)


def _variant_flaws(study: StudySpec) -> Iterator[str]:
    known = [one.name for one in study.variants]
    for index, name in enumerate(known):
        if name in known[:index]:
            yield f"spec.variants[{index}].name: must differ from that of every other variant, is {name!r}"
        if _TUNED.fullmatch(name):
            yield (f"spec.variants[{index}].name: must not be {TUNED_PREFIX!r} and a number, which variants found by "
                   f"`tune` are called, is {name!r}")
        if (repetitions := study.repetitions_of(study.variants[index])) > study.repetitions:
            yield (f"spec.variants[{index}].repetitions: must be at most those of the study ({study.repetitions}), is "
                   f"{repetitions}")
    named = {"spec.baseline": study.baseline, **({} if study.tune is None else {"spec.tune.from": study.tune.source})}
    others = any(one.is_comparable for one in study.variants)
    for path, name in named.items():
        if name not in known:
            yield f"{path}: must be the name of a variant ({', '.join(known)}), is {name!r}"
        elif others and study.variant(name).preset is Preset.CALIBRATION:
            yield f"{path}: must be a variant that has the template's load, is {name!r}, which is a Calibration"
    if study.baseline in known and others and not study.variant(study.baseline).compared:
        yield f"spec.baseline: must be a variant that is compared, is {study.baseline!r}, which has compared: false"


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
