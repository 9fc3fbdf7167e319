"""The scenario of a recorded run under a changed spec: another autoscaler of the same kind, other flags, another scrape
period."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elastometer.model.document import Document, document_at, number_at, text_at, whole_at
from elastometer.model.errors import SpecError
from elastometer.model.spec import ScalerType
from elastometer.resources.scaler import HPA_FIELDS
from elastometer.study.gate.server import under_flags
from elastometer.study.variants.presets import SCALER_FIELDS
from elastometer.twin.scenario import Scenario
from elastometer.twin.search.score.supplies import fixed
from elastometer.twin.search.vary.candidates import Baseline, under_manifest
from elastometer.twin.search.vary.fields import Setting
from elastometer.twin.search.vary.grid import knows_tolerances
from elastometer.twin.search.vary.knobs import with_knob

_SCRAPE = ("measurement", "scrapePeriodSeconds")


@dataclass(frozen=True, slots=True)
class RunTraits:
    """What of a run decides what a change would do: the version of its Kubernetes, which may not know a field, and the
    mean length of its answers in tokens."""

    kubernetes: str | None
    output_tokens: float


def under_spec(base: Baseline, recorded: Document, changed: Document, run: RunTraits) -> Scenario:
    """The recorded scenario under the changed spec of the test. Raises SpecError, by path, for what has no model."""
    scenario = _under_autoscaler(base, recorded, changed, run.kubernetes)
    scenario = under_flags(scenario, recorded, changed, run.output_tokens)
    seconds = number_at(changed, *_SCRAPE)
    if seconds is None or seconds == number_at(recorded, *_SCRAPE):
        return scenario
    return with_knob(scenario, Setting("scrape.periodSeconds", seconds))


def _under_autoscaler(base: Baseline, recorded: Document, changed: Document, kubernetes: str | None) -> Scenario:
    if document_at(recorded, "autoscaler") == document_at(changed, "autoscaler"):
        return base.scenario
    kind = text_at(changed, "autoscaler", "type")
    if kind == ScalerType.NONE:
        return fixed(base.scenario, whole_at(changed, "autoscaler", "replicas") or 1)
    if kind != base.kind:
        raise SpecError(f"spec.autoscaler.type: must be {base.kind.value}, as in the recorded run, or None to be "
                        f"replayed, is {kind}")
    field = SCALER_FIELDS[base.kind]
    before, after = (document_at(spec, "autoscaler", field) for spec in (recorded, changed))
    if not knows_tolerances(kubernetes) and _names_tolerance(after):
        raise SpecError(f"spec.autoscaler.{field}: must not set a tolerance, which the recorded Kubernetes "
                        f"({kubernetes}) drops")
    try:
        return under_manifest(base, _served(base, before, after))
    except SpecError as error:
        raise SpecError(*(f"spec.autoscaler.{field}.{flaw.removeprefix('spec.')}" for flaw in error.flaws)) from error


def _served(base: Baseline, before: Document, after: Document) -> dict[str, Any]:
    """The recorded object with the fields that differ; what the API server filled in elsewhere stays."""
    fields = HPA_FIELDS if base.kind is ScalerType.HPA else tuple(sorted({*before, *after}))
    differ = [name for name in fields if before.get(name) != after.get(name)]
    kept = {name: value for name, value in base.manifest["spec"].items() if name not in differ}
    return {**kept, **{name: after[name] for name in differ if name in after}}


def _names_tolerance(node: object) -> bool:
    if isinstance(node, Mapping):
        return "tolerance" in node or any(map(_names_tolerance, node.values()))
    return isinstance(node, list) and any(map(_names_tolerance, node))
