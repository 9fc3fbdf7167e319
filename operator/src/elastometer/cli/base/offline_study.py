"""A study as an API server would serve it, without an API server: checked against the CRD, with its defaults, and every
test that its variants make."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    shape_flaws,
)
from elastometer.model.document import at
from elastometer.model.errors import SpecError
from elastometer.model.schema import defaulted
from elastometer.model.shapes import part_flaws
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
    in_parts = list(_of_template(part_flaws({"spec": at(spec, "template")})))
    raise_flaws([*name_flaws(metadata, MAX_STUDY_NAME), *shape_flaws(manifest, schema, in_parts)])
    filled: Json = defaulted(spec, schema)
    # The API server checks the rules of a template too, whatever its variants make of it.
    raise_flaws(list(_of_template(rule_flaws(filled["template"]))))
    study = accepted_study({**manifest, "metadata": metadata, "spec": filled})
    raise_flaws(list(variant_flaws(study, {one.name: _test_flaws(study, one) for one in study.variants})))
    return study


def _of_template(found: Iterable[str]) -> Iterator[str]:
    """The flaws of a test's spec as flaws of the template."""
    for flaw in found:
        yield f"spec.template.{flaw.removeprefix('spec.')}"


def _test_flaws(study: StudySpec, variant: Variant) -> tuple[str, ...]:
    """The flaws of the test of the variant's first run."""
    run = PlannedRun(study.names.run_name(variant.name, 1), variant.name, 1)
    try:
        served_test(run_manifest(study, variant, run))
    except SpecError as error:
        return error.flaws
    return ()
