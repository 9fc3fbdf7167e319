"""ElasticityTest as served by the API -> TestSpec.

The CRD rejects a wrong shape; this module rejects a wrong meaning (SpecError names path, rule and value).
The API server fills in the CRD's defaults. They are repeated here for specs that come from a file, and a test compares
the two (tests/contract/test_spec_defaults.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from elastometer.model.autoscalers import name_flaws
from elastometer.model.demand_terms import demand_flaws
from elastometer.model.document import Document, document_at, text_at
from elastometer.model.errors import SpecError
from elastometer.model.gpu_price import price_flaws
from elastometer.model.health import preset_flaws
from elastometer.model.input_bounds import input_bound_flaws
from elastometer.model.load import parse_load, read_load
from elastometer.model.names import SERVER, Names
from elastometer.model.objectives import task_flaws
from elastometer.model.own_series import OwnSeries, own_series
from elastometer.model.server_flags import ServerFlags, server_flags
from elastometer.model.triggers import scaled_object_flaws
from elastometer.model.what_if_terms import what_if_flaws
from elastometer_loadgen.base.fields import unknown_field
from elastometer_loadgen.profile.profile import Profile

Json = dict[str, Any]


class ScalerType(StrEnum):
    """Which kind of autoscaler is under test."""

    HPA = "HorizontalPodAutoscaler"
    KEDA = "ScaledObject"
    NONE = "None"


class CleanupPolicy(StrEnum):
    """What happens to the target when the run ends."""

    DELETE = "Delete"
    RETAIN = "Retain"


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """How one replica of the model server is run. Times in seconds."""

    model: str
    revision: str | None
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    port: int
    startup_seconds: int
    probe_period_seconds: int
    termination_grace_seconds: int
    pod_template: Json
    weights_claim: str | None
    flags: ServerFlags


@dataclass(frozen=True, slots=True)
class ScalerSpec:
    """The autoscaler under test; `body` is passed through unchanged."""

    type: ScalerType
    minimum: int
    maximum: int
    body: Json


@dataclass(frozen=True, slots=True)
class MeasurementSpec:
    """How the run is watched. Times in seconds. `series` are the team's own queries."""

    prometheus_url: str | None
    scrape_period_seconds: int
    settle_seconds: int
    ready_deadline_seconds: int
    metrics_deadline_seconds: int
    check_capacity: bool
    series: tuple[OwnSeries, ...] = ()


@dataclass(frozen=True, slots=True)
class SecretKey:
    """One key of a Secret in the test's namespace."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class TestSpec:
    """One test, parsed. `files_from` is the ConfigMap of the files that the profile names, `files` its content: empty
    until it has been read, and so are the traces and datasets of the profile until then."""

    __test__ = False  # or pytest would collect it as a class of tests

    names: Names
    generation: int
    server: ServerSpec
    scaler: ScalerSpec
    profile: Profile
    load: Json
    measurement: MeasurementSpec
    cleanup: CleanupPolicy
    raw: Json
    files_from: str | None
    api_key: SecretKey | None
    files: Mapping[str, str]


def parse(body: Mapping[str, Any]) -> TestSpec:
    """Parses the object as served. Raises SpecError with every flaw found."""
    meta, spec = body["metadata"], body["spec"]
    names = Names(namespace=meta["namespace"], test=meta["name"], uid=meta.get("uid", ""))
    files_from = text_at(spec, "load", "filesFrom", "configMapRef", "name")
    flaws = [*_template_flaws(spec["target"]["server"].get("podTemplate", {})), *_name_flaws(names, files_from),
             *scaled_object_flaws(document_at(spec, "autoscaler", "scaledObject")),
             *name_flaws(document_at(spec, "autoscaler", "scaledObject"), "spec.autoscaler.scaledObject")]
    flaws += price_flaws(spec)
    flaws += demand_flaws(spec)
    flaws += preset_flaws(spec)
    flaws += what_if_flaws(spec)
    flaws += input_bound_flaws(spec)
    server = _server(spec["target"])
    flaws += server.flags.flaws(server.port)
    try:
        profile = parse_load(spec["load"], server.flags.served_model)
    except SpecError as error:
        raise SpecError(*flaws, *error.flaws) from error
    if flaws := [*flaws, *task_flaws(spec, profile)]:
        raise SpecError(*flaws)
    return TestSpec(
        names=names,
        generation=int(meta.get("generation", 1)),
        server=server,
        scaler=_scaler(spec["autoscaler"]),
        profile=profile,
        load=dict(spec["load"]),
        measurement=_measurement(spec.get("measurement", {}), own_series(spec)),
        cleanup=CleanupPolicy(spec.get("cleanupPolicy", CleanupPolicy.DELETE)),
        raw=dict(spec),
        files_from=files_from,
        api_key=_secret_key(document_at(spec, "load", "apiKeyFrom", "secretKeyRef")),
        files={},
    )


def with_files(spec: TestSpec, files: Mapping[str, str]) -> TestSpec:
    """The test with the content of its files. Raises SpecError with every flaw found."""
    return replace(spec, profile=read_load(spec.profile, files), files=files)


def _secret_key(reference: Document) -> SecretKey | None:
    name, key = text_at(reference, "name"), text_at(reference, "key")
    return None if name is None or key is None else SecretKey(name, key)


def _name_flaws(names: Names, files_from: str | None) -> list[str]:
    """The operator cannot create its own ConfigMap if the source of files already has that name."""
    if files_from not in (own := (names.load, names.files, names.report)):
        return []
    return [f"spec.load.filesFrom.configMapRef.name: must not be a ConfigMap that the test creates itself "
            f"({', '.join(own)}), is {files_from}; give yours another name"]


def _template_flaws(template: object) -> list[str]:
    """The API server accepts any object as the overlay; to be merged it must have the shape of a Pod template."""
    path = "spec.target.server.podTemplate"
    if not isinstance(template, dict):
        return [f"{path}: must be an object, is {type(template).__name__}"]
    known = ("metadata", "spec")
    flaws = [f"{path}.{key}: {unknown_field(key, known)}" for key in template if key not in known]
    for part in ("metadata", "spec"):
        if not isinstance(template.get(part, {}), dict):
            flaws.append(f"{path}.{part}: must be an object")
            return flaws  # the checks below look into both
    for key in ("containers", "initContainers", "volumes", "tolerations"):
        items = template.get("spec", {}).get(key, [])
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            flaws.append(f"{path}.spec.{key}: must be a list of objects")
        elif key != "tolerations" and not all(isinstance(item.get("name"), str) for item in items):
            flaws.append(f"{path}.spec.{key}: each entry must have a `name`")
        elif key in ("containers", "initContainers"):
            flaws += _image_flaws(items, f"{path}.spec.{key}")
    for key in ("labels", "annotations"):
        pairs = template.get("metadata", {}).get(key, {})
        if not isinstance(pairs, dict) or not all(isinstance(value, str) for value in pairs.values()):
            flaws.append(f"{path}.metadata.{key}: must map strings to strings")
    return flaws


def _image_flaws(containers: Sequence[Json], path: str) -> Iterator[str]:
    """A container of another name than the server's is one more container, and not an overlay of the server's."""
    for index, container in enumerate(containers):
        if container["name"] != SERVER and not container.get("image"):
            yield (f"{path}[{index}].image: must be given for a container other than {SERVER!r}, which the server runs "
                   f"in (this one is called {container['name']!r}), is absent")


def _server(target: Json) -> ServerSpec:
    server, model = target["server"], target["model"]
    return ServerSpec(
        model=model["name"],
        revision=model.get("revision"),
        image=server["image"],
        command=tuple(server.get("command", ())),
        args=tuple(server.get("args", ())),
        port=server.get("port", 8000),
        startup_seconds=server.get("startupSeconds", 900),
        probe_period_seconds=server.get("probePeriodSeconds", 1),
        termination_grace_seconds=server.get("terminationGracePeriodSeconds", 30),
        pod_template=server.get("podTemplate", {}),
        weights_claim=target.get("weightsClaimName"),
        flags=server_flags(target),
    )


def _scaler(autoscaler: Json) -> ScalerSpec:
    kind = ScalerType(autoscaler["type"])
    if kind is ScalerType.HPA:
        body = autoscaler["horizontalPodAutoscaler"]
        return ScalerSpec(kind, body.get("minReplicas", 1), body["maxReplicas"], body)
    if kind is ScalerType.KEDA:
        body = autoscaler["scaledObject"]
        return ScalerSpec(kind, body.get("minReplicaCount", 1), body["maxReplicaCount"], body)
    fixed = autoscaler.get("replicas", 1)
    return ScalerSpec(kind, fixed, fixed, {})


def _measurement(measurement: Json, series: tuple[OwnSeries, ...]) -> MeasurementSpec:
    return MeasurementSpec(
        prometheus_url=measurement.get("prometheusURL"),
        scrape_period_seconds=measurement.get("scrapePeriodSeconds", 15),
        settle_seconds=measurement.get("settleSeconds", 420),
        ready_deadline_seconds=measurement.get("readyDeadlineSeconds", 900),
        metrics_deadline_seconds=measurement.get("metricsDeadlineSeconds", 180),
        check_capacity=measurement.get("capacityCheck", "Enforce") == "Enforce",
        series=series,
    )
