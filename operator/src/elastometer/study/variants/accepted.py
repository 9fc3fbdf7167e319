"""ElasticityStudy -> StudySpec whose variants can be made.

Whether their tests can be carried out is asked of each test, by the API server or offline; `variant_flaws` says it.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from elastometer.model.document import document_at, text_at
from elastometer.model.errors import SpecError
from elastometer.model.health import objective_rows
from elastometer.model.names import API_VERSION, KIND
from elastometer.model.spec import ScalerType
from elastometer.model.study import StudySpec, Variant
from elastometer.model.study_parse import parse_study
from elastometer.model.terms import ON_REQUESTS
from elastometer.study.variants.limits import size_flaws
from elastometer.study.variants.planned_runs import PlannedRun
from elastometer.study.variants.server_args import args_flaws
from elastometer.study.variants.variant_spec import ARGS, args_at, variant_spec

Json = dict[str, Any]


def accepted_study(body: Mapping[str, Any]) -> StudySpec:
    """Parses the object as served. Raises SpecError with every flaw found."""
    study = parse_study(body)
    if flaws := list(size_flaws(study.raw)):
        raise SpecError(*flaws)
    flaws = [flaw for index, variant in enumerate(study.variants) for flaw in _flaws_of(study, variant, index)]
    if flaws:
        raise SpecError(*flaws)
    if study.tune is not None and (flaw := _not_searched(study, study.tune.source)) is not None:
        raise SpecError(f"spec.tune.from: must be a variant with {flaw}, is {study.tune.source!r}")
    return study


def run_manifest(study: StudySpec, variant: Variant, run: PlannedRun) -> Json:
    """The ElasticityTest of a run, without the owner that the operator adds."""
    metadata = {"name": run.name, "namespace": study.names.namespace,
                "labels": study.names.labels(run.variant, run.repetition)}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": variant_spec(study, variant)}


def variant_flaws(study: StudySpec, found: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The flaws of the variants' tests, by the variant's name, as flaws of the study: each with the variant's place and
    name; one that every variant has is a flaw of the template, and is said once."""
    variants = [found.get(one.name, ()) for one in study.variants]
    shared = [flaw for flaw in variants[0] if all(flaw in flaws for flaws in variants)]
    of_template = [f"spec.template.{flaw.removeprefix('spec.')}" for flaw in shared]
    return (*of_template, *(_of_variant(one.name, index, flaw) for index, one in enumerate(study.variants)
                            for flaw in variants[index] if flaw not in shared))


def _of_variant(name: str, index: int, flaw: str) -> str:
    return f"spec.variants[{index}] ({name}): {flaw}"


def _flaws_of(study: StudySpec, variant: Variant, index: int) -> Iterator[str]:
    try:
        spec = variant_spec(study, variant)
    except SpecError as error:
        yield from (_of_variant(variant.name, index, flaw) for flaw in error.flaws)
        return
    path = f"spec.variants[{index}].patch.{'.'.join(ARGS)}"
    yield from args_flaws(args_at(variant.patch) or (), document_at(spec, "target"), path)


def _not_searched(study: StudySpec, name: str) -> str | None:
    """What a search would need that the variant does not have: found now, and not after its first run."""
    spec = variant_spec(study, study.variant(name))
    if text_at(spec, "autoscaler", "type") == ScalerType.NONE:
        return "an autoscaler, since its settings are searched"
    if not any(text_at(one, "indicator") in ON_REQUESTS for one in objective_rows(spec)):
        return "an objective on requests, since settings are ranked by the seconds in which one is missed"
    return None
