"""A study as an API server would serve it, without an API server: checked against the CRD, with its defaults, and every
test that its variants make."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from elastometer.cli.base.kinds import STUDY
from elastometer.cli.base.manifest_file import Manifest
from elastometer.cli.base.offline import (
    DEFAULT_NAMESPACE,
    name_flaws,
    raise_flaws,
    rejection,
    rule_flaws,
    schema_of,
    served_test,
    whole,
)
from elastometer.model.errors import SpecError
from elastometer.model.schema import defaulted, flaws
from elastometer.model.study import MAX_STUDY_NAME, StudySpec, Variant
from elastometer.study.variants.accepted import accepted_study, run_manifest, variant_flaws
from elastometer.study.variants.planned_runs import PlannedRun

Json = dict[str, Any]


def checked_study(source: str, manifest: Manifest) -> StudySpec:
    """The study, checked and with its defaults. Raises CliError with every flaw."""
    try:
        return served_study(manifest)
    except SpecError as error:
        raise rejection(source, error, "run") from error


def served_study(manifest: Manifest) -> StudySpec:
    """As `checked_study`, but raises SpecError."""
    schema, spec = schema_of(STUDY), manifest.get("spec")
    metadata = {"namespace": DEFAULT_NAMESPACE, **manifest["metadata"]}
    raise_flaws([*name_flaws(metadata, MAX_STUDY_NAME), *flaws(manifest, whole(schema), "")])
    filled: Json = defaulted(spec, schema)
    raise_flaws(list(_template_flaws(filled["template"])))
    study = accepted_study({**manifest, "metadata": metadata, "spec": filled})
    raise_flaws(list(variant_flaws(study, {one.name: _test_flaws(study, one) for one in study.variants})))
    return study


def _template_flaws(template: Json) -> Iterator[str]:
    """The API server checks the rules of a template too, whatever its variants make of it."""
    for flaw in rule_flaws(template):
        yield f"spec.template.{flaw.removeprefix('spec.')}"


def _test_flaws(study: StudySpec, variant: Variant) -> tuple[str, ...]:
    """The flaws of the test of the variant's first run."""
    run = PlannedRun(study.names.run_name(variant.name, 1), variant.name, 1)
    try:
        served_test(run_manifest(study, variant, run))
    except SpecError as error:
        return error.flaws
    return ()
