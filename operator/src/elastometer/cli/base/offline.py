"""A test as an API server would serve it, without an API server: checked against the CRD, with its defaults."""
from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.kinds import KINDS, TEST, Kind
from elastometer.cli.base.manifest_file import Manifest
from elastometer.model.bundle import Bundle
from elastometer.model.errors import SpecError
from elastometer.model.health import DEFAULTED_FIELDS, PRESET_FIELDS
from elastometer.model.names import MAX_TEST_NAME
from elastometer.model.objectives import ON_MEMORY, bound_field
from elastometer.model.schema import defaulted, flaws, shown
from elastometer.model.shapes import part_flaws, shape_of
from elastometer.model.spec import TestSpec
from elastometer.model.terms import Indicator
from elastometer.twin.accepted import accepted_test

Json = dict[str, Any]
DEFAULT_NAMESPACE = "default"
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_BOUNDS = frozenset({"minimumPercent", "maximumMilliseconds", "maximumMebibytes"})
_OF_PODS = frozenset({Indicator.SCALE_OUT_LAG, Indicator.COLD_START}) | ON_MEMORY
_BODIES = {"HorizontalPodAutoscaler": "horizontalPodAutoscaler", "ScaledObject": "scaledObject"}
_LIMITS = {"horizontalPodAutoscaler": ("minReplicas", "maxReplicas"), "scaledObject": ("minReplicaCount",
                                                                                       "maxReplicaCount")}


def checked_spec(source: str, manifest: Manifest) -> TestSpec:
    """The spec, checked and with its defaults. Raises CliError with every flaw."""
    try:
        return served_test(manifest)
    except SpecError as error:
        raise rejection(source, error) from error


def served_test(manifest: Manifest) -> TestSpec:
    """As `checked_spec`, but raises SpecError."""
    schema = schema_of(TEST)
    spec = manifest.get("spec")
    metadata = {"namespace": DEFAULT_NAMESPACE, **manifest["metadata"]}
    found = [*name_flaws(metadata, MAX_TEST_NAME), *shape_flaws(manifest, schema, list(part_flaws(manifest)))]
    filled: Json = defaulted(spec, schema) if isinstance(spec, dict) else {}
    # The API server too runs its CEL rules only where the shape is right.
    raise_flaws(found or list(rule_flaws(filled)))
    return accepted_test({**manifest, "metadata": metadata, "spec": filled})


def defaulted_test(bundle: Bundle) -> Bundle:
    """A recorded run whose test has the defaults of this version's API too, so that its spec can be compared."""
    spec = bundle.spec.get("spec")
    return bundle if not isinstance(spec, dict) else replace(
        bundle, spec={**bundle.spec, "spec": defaulted(spec, schema_of(TEST))})


def rejection(source: str, error: SpecError, done: str = "simulated") -> CliError:
    """The error of the command, with one flaw per line. `done` is what the command would do."""
    return CliError(Exit.SPEC_OR_USAGE, f"{source} cannot be {done}:", *(f"  {flaw}" for flaw in error.flaws))


def raise_flaws(found: list[str]) -> None:
    """Raises SpecError if there is a flaw."""
    if found:
        raise SpecError(*found)


def name_flaws(metadata: Json, characters: int) -> Iterator[str]:
    """What the API server would refuse of a name that may have this many characters, and of the namespace."""
    name = metadata["name"]
    if _NAME.fullmatch(name) is None or len(name) > characters:
        yield (f"metadata.name: must be a DNS label of at most {characters} characters that starts with a letter, is "
               f"{shown(name)}")
    if _NAMESPACE.fullmatch(metadata["namespace"]) is None:
        yield f"metadata.namespace: must be a DNS label of at most 63 characters, is {shown(metadata['namespace'])}"


@lru_cache(maxsize=len(KINDS))
def schema_of(kind: Kind) -> Json:
    """The schema of the spec of a kind, as its CRD has it."""
    text = files("elastometer.cli").joinpath(f"{kind.name.lower()}.yaml").read_text(encoding="utf-8")
    version = yaml.safe_load(text)["spec"]["versions"][0]
    found: Json = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return found


def shape_flaws(manifest: Manifest, spec: Json, in_parts: Sequence[str]) -> Iterator[str]:
    """By the CRD, and by the shapes of the parts that it passes on. Some fields are known to both, and what is wrong
    with one of them is said once."""
    paths = {flaw.partition(": ")[0] for flaw in in_parts}
    yield from (flaw for flaw in flaws(manifest, _whole(spec), "") if flaw.partition(": ")[0] not in paths)
    yield from in_parts


def _whole(spec: Json) -> Json:
    """The schema of a file with one object. What a served object has besides is not read."""
    fields: Json = {"apiVersion": {}, "kind": {}, "metadata": shape_of("ObjectMeta"), "spec": spec}
    return {"properties": {**fields, "status": {"x-kubernetes-preserve-unknown-fields": True}}, "required": ["spec"]}


def rule_flaws(spec: Json) -> Iterator[str]:
    """The test's CEL rules on a new test that `parse` does not check as well."""
    scaler = spec["autoscaler"]
    for kind, body in _BODIES.items():
        if (scaler["type"] == kind) != (body in scaler):
            yield (f"spec.autoscaler.{body}: must be given when type is {kind}, and not otherwise; "
                   f"type is {scaler['type']}")
        elif body in scaler:
            low, high = _LIMITS[body]
            if scaler[body][low] > scaler[body][high]:
                yield (f"spec.autoscaler.{body}.{low}: must be at most {high} ({scaler[body][high]}), "
                       f"is {scaler[body][low]}")
    if "replicas" in scaler and scaler["type"] != "None":
        yield (f"spec.autoscaler.replicas: must not be given unless type is None, is {scaler['replicas']}; type is "
               f"{scaler['type']}")
    stages = [stage.get("name") for stage in spec["load"]["stages"]]
    for index, objective in enumerate(spec.get("objectives", ())):
        path = f"spec.objectives[{index}]"
        if "preset" in objective or "indicator" not in objective:
            yield from _preset_flaws(objective, stages, path)
            continue
        yield from _objective_flaws(objective, stages, path)
        yield from _statistic_flaws(objective, path)
        yield from _answer_objective_flaws(objective, spec["load"].get("tasks", ()), path)


def _preset_flaws(objective: Json, stages: list[str], path: str) -> Iterator[str]:
    if "preset" not in objective or "indicator" in objective:
        given = "both" if "preset" in objective else "none"
        yield f"{path}: must have exactly one of indicator and preset, has {given}"
        return
    for field in sorted(objective.keys() - {*PRESET_FIELDS, *DEFAULTED_FIELDS}):
        yield (f"{path}.{field}: must not be given beside preset, which stands for whole rows, is "
               f"{shown(objective[field])}")
    if (stage := objective.get("stageName")) is not None and stage not in stages:
        yield f"{path}.stageName: must be one of {', '.join(stages)}, is {stage!r}"


def _objective_flaws(objective: Json, stages: list[str], path: str) -> Iterator[str]:
    bound = bound_field(Indicator(objective["indicator"]))
    other = sorted(_BOUNDS & objective.keys() - {bound})
    if bound not in objective or other:
        beside = f" and not {' or '.join(other)}" if other else ""
        yield f"{path}: must have {bound}{beside}, since its indicator is {objective['indicator']}"
    stage = objective.get("stageName")
    if stage is not None and objective["indicator"] in ("ScaleOutLag", "ColdStart"):
        yield f"{path}.stageName: must not be given for {objective['indicator']}, which belongs to Pods, is {stage!r}"
    elif stage is not None and stage not in stages:
        yield f"{path}.stageName: must be one of {', '.join(stages)}, is {stage!r}"


def _statistic_flaws(objective: Json, path: str) -> Iterator[str]:
    statistic = objective.get("statistic")
    if statistic is not None and "maximumMilliseconds" not in objective:
        yield f"{path}.statistic: must not be given without maximumMilliseconds, is {statistic!r}"
    if statistic == "Mean" and "percentile" in objective:
        yield f"{path}.percentile: must not be given where statistic is Mean, is {objective['percentile']}"
    if statistic is not None and objective["indicator"] == Indicator.MEMORY_RETURN:
        yield f"{path}.statistic: must not be given for MemoryReturn, is {statistic!r}"
    if "taskName" in objective and objective["indicator"] in _OF_PODS:
        yield (f"{path}.taskName: must not be given for {objective['indicator']}, which belongs to Pods, is "
               f"{objective['taskName']!r}")


def _answer_objective_flaws(objective: Json, tasks: Sequence[Json], path: str) -> Iterator[str]:
    check, name = objective.get("checkType"), objective.get("taskName")
    if objective["indicator"] != "AnswerCheck":
        if check is not None:
            yield f"{path}.checkType: must not be given for {objective['indicator']}, is {check!r}"
        return
    in_scope = [task for task in tasks if name in (None, task["name"])]
    if check is None:
        yield f"{path}.checkType: must be given, since its indicator is AnswerCheck"
    elif all(item["type"] != check for task in in_scope for item in task.get("checks", ())):
        where = "a task of load.tasks" if name is None else f"the task {name!r}"
        yield f"{path}.checkType: must be the type of one of the checks of {where}, is {check!r}"
