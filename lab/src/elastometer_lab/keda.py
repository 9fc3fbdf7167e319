"""KEDA's own manifests, from its Go module at the version that the lab builds, fitted to a cluster of one host.

Upstream's files are large (one definition has 667 KB) and change with each version; in the module cache they are
exactly where the binaries come from, so the repository holds no copy.
"""
from __future__ import annotations

import copy
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from elastometer_lab.errors import LabError
from elastometer_lab.programs import KEDA_IMAGES, PROGRAMS
from elastometer_lab.progress import Progress
from elastometer_lab.toolchain import environment, go_command, needed_version

Manifest = dict[str, Any]

MODULE = "github.com/kedacore/keda/v2"
FOLDERS = ("general", "service_account", "crd/bases", "rbac", "manager", "metrics-server")
"""Folders of the module's config/. The admission webhooks are left out: nothing in the lab needs them."""
ADAPTER_SERVICE = "keda-operator-metrics-apiserver"
"""What KEDA's Helm chart calls the Service of its metrics API; the certificates have this name."""
MODULE_ADAPTER_SERVICE = "keda-metrics-apiserver"
ARGUMENTS = {"--enable-cert-rotation=true": "--enable-cert-rotation=false"}
LEFT_OUT = ("--leader-elect",)
"""An operator that is started again would wait for the lease of the one before it."""
WINDOW_LIMITS = {"minimum": 0, "maximum": 3600}
"""Upstream's kustomization puts these on stabilisation windows (seconds), since its generator cannot."""


def keda_manifests(cache: Path, progress: Progress) -> list[Manifest]:
    """All objects of KEDA but the Secret `kedaorg-certs` and the caBundle of its APIService, which the caller has."""
    config = module_directory(cache, progress) / "config"
    return [fitted(each) for folder in FOLDERS for path in sorted((config / folder).glob("*.yaml"))
            if path.name != "kustomization.yaml" for each in read_all(path)]


def module_directory(cache: Path, progress: Progress) -> Path:
    """Where the module's sources are; they are fetched if they are not there."""
    directory = PROGRAMS["keda-operator"].directory
    go = go_command(cache, needed_version(directory / "go.mod"), progress)
    for command in (("mod", "download", MODULE), ("list", "-m", "-f", "{{.Dir}}", MODULE)):
        done = subprocess.run((str(go), *command), cwd=directory, env=environment(cache), capture_output=True,
                              text=True, check=False)
        if done.returncode:
            raise LabError(f"cannot fetch the manifests of KEDA: {done.stderr.strip()[-400:]}. "
                           "See to the network or set GOPROXY, then run the command again")
    return Path(done.stdout.strip())


def read_all(path: Path) -> Iterator[Manifest]:
    """The objects of one file; the C parser where there is one, since the Python one takes seconds for KEDA."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        yield from (each for each in yaml.load_all(path.read_bytes(), Loader=loader) if each)
    except yaml.YAMLError as error:
        raise LabError(f"{path} is not YAML: {error}") from error


def fitted(manifest: Manifest) -> Manifest:
    """One object as the lab wants it."""
    result = copy.deepcopy(manifest)
    if result["kind"] == "Deployment":
        fit_deployment(result)
    if result["metadata"]["name"] == MODULE_ADAPTER_SERVICE and result["kind"] == "Service":
        result["metadata"]["name"] = ADAPTER_SERVICE
    if result["kind"] == "APIService":
        result["spec"]["service"]["name"] = ADAPTER_SERVICE
    if result["metadata"]["name"] == "scaledobjects.keda.sh":
        limit_windows(result)
    if result["metadata"]["name"] == "scaledjobs.keda.sh":
        relax_job_template(result)
    return result


def fit_deployment(deployment: Manifest) -> None:
    """The lab's images, small requests, quick probes, certificates that are given, and no election for one replica."""
    images = {image.name.rpartition(":")[0]: image for image in KEDA_IMAGES}
    pod = deployment["spec"]["template"]["spec"]
    for container in pod["containers"]:
        image = images[container["image"].rpartition(":")[0]]
        container.update(image=image.name, imagePullPolicy="IfNotPresent")
        container["args"] = [ARGUMENTS.get(each, each) for each in container["args"] if each not in LEFT_OUT]
        container["resources"] = {"requests": {"cpu": "50m", "memory": "100Mi"}, "limits": {"memory": "1000Mi"}}
        container["readinessProbe"].update(initialDelaySeconds=1, periodSeconds=2)
        container["securityContext"]["runAsUser"] = int(image.user.partition(":")[0])


def property_of(definition: Manifest, *path: str) -> Manifest:
    """The schema of a nested property; an error names the part that the module's version does not have."""
    schema: Manifest = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for part in path:
        found: Mapping[str, Manifest] = schema["items"] if part == "[]" else schema.get("properties", {})
        if part != "[]" and part not in found:
            raise LabError(f"KEDA's {definition['metadata']['name']} has no property {'.'.join(path)}: "
                           "elastometer_lab.keda must be brought to KEDA's new version")
        schema = dict(found) if part == "[]" else found[part]
    return schema


def limit_windows(definition: Manifest) -> None:
    """A window outside what the HPA takes is refused at once, not at the first scaling."""
    for direction in ("scaleDown", "scaleUp"):
        property_of(definition, "spec", "advanced", "horizontalPodAutoscalerConfig", "behavior", direction,
                    "stabilizationWindowSeconds").update(WINDOW_LIMITS)


def relax_job_template(definition: Manifest) -> None:
    """Labels of a job's pods are kept, and the protocol is part of a port's key, as the API server asks."""
    template = ("spec", "jobTargetRef", "template")
    property_of(definition, *template, "metadata")["x-kubernetes-preserve-unknown-fields"] = True
    for containers in ("containers", "initContainers", "ephemeralContainers"):
        ports = property_of(definition, *template, "spec", containers, "[]", "ports")
        if "protocol" not in ports["items"]["required"]:
            ports["items"]["required"].append("protocol")
