"""A test as the API server would serve it, without one: checked against the CRD's schema, its defaults filled in."""
from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.manifest_file import Manifest
from elastometer.model.errors import SpecError
from elastometer.model.schema import defaulted, flaws, shown
from elastometer.model.spec import TestSpec, parse

Json = dict[str, Any]
DEFAULT_NAMESPACE = "default"
# The API server's rules for the names, as the CRD has them: children are called after the test.
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_BODIES = {"HorizontalPodAutoscaler": "horizontalPodAutoscaler", "ScaledObject": "scaledObject"}
_LIMITS = {"horizontalPodAutoscaler": ("minReplicas", "maxReplicas"), "scaledObject": ("minReplicaCount",
                                                                                       "maxReplicaCount")}


def served(source: str, manifest: Manifest) -> TestSpec:
    """The spec, understood. Raises CliError with every flaw."""
    schema = _schema()
    spec = manifest.get("spec")
    metadata = {"namespace": DEFAULT_NAMESPACE, **manifest["metadata"]}
    found = [*_name_flaws(metadata), *flaws(spec, schema, "spec")]
    filled: Json = defaulted(spec, schema) if isinstance(spec, dict) else {}
    try:
        _refuse(found or list(_rules(filled)))
        return parse({**manifest, "metadata": metadata, "spec": filled})
    except SpecError as error:
        raise refused(source, error) from error


def refused(source: str, error: SpecError) -> CliError:
    """Every flaw on a line of its own."""
    return CliError(Exit.SPEC_OR_USAGE, f"{source} cannot be simulated:", *(f"  {flaw}" for flaw in error.flaws))


def _refuse(found: list[str]) -> None:
    if found:
        raise SpecError(*found)


def _name_flaws(metadata: Json) -> Iterator[str]:
    if _NAME.fullmatch(metadata["name"]) is None:
        yield (f"metadata.name: must be a DNS label of at most 40 characters that starts with a letter, is "
               f"{shown(metadata['name'])}")
    if _NAMESPACE.fullmatch(metadata["namespace"]) is None:
        yield f"metadata.namespace: must be a DNS label of at most 63 characters, is {shown(metadata['namespace'])}"


@lru_cache(maxsize=1)
def _schema() -> Json:
    text = files("elastometer.cli").joinpath("elasticitytest.yaml").read_text(encoding="utf-8")
    version = yaml.safe_load(text)["spec"]["versions"][0]
    found: Json = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return found


def _rules(spec: Json) -> Iterator[str]:
    """What the CRD says in CEL of a new test and the parsers behind do not check again."""
    scaler = spec["autoscaler"]
    for kind, body in _BODIES.items():
        if (scaler["type"] == kind) != (body in scaler):
            yield (f"spec.autoscaler.{body}: must be given when type is {kind}, and not otherwise; "
                   f"type is {scaler['type']}")
        elif body in scaler:
            least, most = (scaler[body][name] for name in _LIMITS[body])
            if least > most:
                low, high = _LIMITS[body]
                yield f"spec.autoscaler.{body}.{low}: must be at most {high} ({most}), is {least}"
    stages = [stage.get("name") for stage in spec["load"]["stages"]]
    for index, objective in enumerate(spec.get("objectives", ())):
        yield from _objective(objective, stages, f"spec.objectives[{index}]")
        yield from _answer_objective(objective, spec["load"].get("tasks", ()), f"spec.objectives[{index}]")


def _objective(one: Json, stages: list[str], path: str) -> Iterator[str]:
    bound = "minimumPercent" if one["indicator"] in ("RequestSuccess", "AnswerCheck") else "maximumMilliseconds"
    other = {"minimumPercent", "maximumMilliseconds"} - {bound}
    if bound not in one or other & one.keys():
        yield f"{path}: must have {bound} and not {other.pop()}, for its indicator is {one['indicator']}"
    stage = one.get("stageName")
    if stage is not None and one["indicator"] in ("ScaleOutLag", "ColdStart"):
        yield f"{path}.stageName: must not be given for {one['indicator']}, which belongs to Pods, is {stage!r}"
    elif stage is not None and stage not in stages:
        yield f"{path}.stageName: must be one of {', '.join(stages)}, is {stage!r}"


def _answer_objective(one: Json, tasks: Sequence[Json], path: str) -> Iterator[str]:
    check, name = one.get("checkType"), one.get("taskName")
    if one["indicator"] != "AnswerCheck":
        for field in sorted({"checkType", "taskName"} & one.keys()):
            yield f"{path}.{field}: must not be given for {one['indicator']}, is {one[field]!r}"
        return
    asked = [task for task in tasks if name in (None, task["name"])]
    if check is None:
        yield f"{path}.checkType: must be given, for its indicator is AnswerCheck"
    elif all(item["type"] != check for task in asked for item in task.get("checks", ())):
        where = "a task of load.tasks" if name is None else f"the task {name!r}"
        yield f"{path}.checkType: must be the type of one of the checks of {where}, is {check!r}"
