"""KEDA's own manifests, from its Go module at the version that the lab builds, adapted to a cluster of one host.

Upstream's files are large (one definition has 667 KB) and change with each version. They are in the same module as the
sources of the binaries, so the repository has no copy of them.
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
"""Folders in the module's config/. The admission webhooks are left out: nothing in the lab needs them."""
ADAPTER_SERVICE = "keda-operator-metrics-apiserver"
"""What KEDA's Helm chart calls the Service of its metrics API; the certificates have this name."""
MODULE_ADAPTER_SERVICE = "keda-metrics-apiserver"
REPLACED_ARGUMENTS = {"--enable-cert-rotation=true": "--enable-cert-rotation=false"}
"""With its own rotation the operator restarts once, and its metrics API answers only after some 20 s instead of 4."""
DROPPED_ARGUMENTS = ("--leader-elect",)
"""A restarted operator would wait for the lease of the previous one."""
WINDOW_LIMITS = {"minimum": 0, "maximum": 3600}
"""Upstream's kustomization adds these to stabilization windows (seconds), since its generator cannot."""


def keda_manifests(cache: Path, progress: Progress) -> list[Manifest]:
    """All objects of KEDA, without the Secret `kedaorg-certs` and its APIService's caBundle, which the caller adds."""
    config = module_directory(cache, progress) / "config"
    return [adapted(manifest) for folder in FOLDERS for path in sorted((config / folder).glob("*.yaml"))
            if path.name != "kustomization.yaml" for manifest in read_all(path)]


def module_directory(cache: Path, progress: Progress) -> Path:
    """The directory of the module's sources, which are downloaded if they are missing."""
    directory = PROGRAMS["keda-operator"].directory
    go = go_command(cache, needed_version(directory / "go.mod"), progress)
    for command in (("mod", "download", MODULE), ("list", "-m", "-f", "{{.Dir}}", MODULE)):
        done = subprocess.run((str(go), *command), cwd=directory, env=environment(cache), capture_output=True,
                              text=True, check=False)
        if done.returncode:
            raise LabError(f"cannot fetch the manifests of KEDA: {done.stderr.strip()[-400:]}. "
                           "Check the network or set GOPROXY, then run the command again")
    return Path(done.stdout.strip())


def read_all(path: Path) -> Iterator[Manifest]:
    """The objects in one file, by the C parser if there is one: the one in Python takes seconds for KEDA."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        yield from (document for document in yaml.load_all(path.read_bytes(), Loader=loader) if document)
    except yaml.YAMLError as error:
        raise LabError(f"{path} is not YAML: {error}") from error


def adapted(manifest: Manifest) -> Manifest:
    """A copy of one object with the lab's changes."""
    result = copy.deepcopy(manifest)
    if result["kind"] == "Deployment":
        adapt_deployment(result)
    if result["metadata"]["name"] == MODULE_ADAPTER_SERVICE and result["kind"] == "Service":
        result["metadata"]["name"] = ADAPTER_SERVICE
    if result["kind"] == "APIService":
        result["spec"]["service"]["name"] = ADAPTER_SERVICE
    if result["metadata"]["name"] == "scaledobjects.keda.sh":
        limit_windows(result)
    if result["metadata"]["name"] == "scaledjobs.keda.sh":
        relax_job_template(result)
    return result


def adapt_deployment(deployment: Manifest) -> None:
    """Use the lab's images and certificates, small resource requests and quick probes, and no leader election."""
    images = {image.name.rpartition(":")[0]: image for image in KEDA_IMAGES}
    pod = deployment["spec"]["template"]["spec"]
    for container in pod["containers"]:
        image = images[container["image"].rpartition(":")[0]]
        container.update(image=image.name, imagePullPolicy="IfNotPresent")
        container["args"] = [REPLACED_ARGUMENTS.get(argument, argument) for argument in container["args"]
                             if argument not in DROPPED_ARGUMENTS]
        container["resources"] = {"requests": {"cpu": "50m", "memory": "100Mi"}, "limits": {"memory": "1000Mi"}}
        # Upstream's first probe comes after 20 s, for which every `up --keda` would wait.
        container["readinessProbe"].update(initialDelaySeconds=1, periodSeconds=2)
        container["securityContext"]["runAsUser"] = int(image.user.partition(":")[0])


def property_of(definition: Manifest, *path: str) -> Manifest:
    """The schema of a nested property ("[]" for list items); an error says which path this version does not have."""
    schema: Manifest = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for part in path:
        found: Mapping[str, Manifest] = schema["items"] if part == "[]" else schema.get("properties", {})
        if part != "[]" and part not in found:
            raise LabError(f"KEDA's {definition['metadata']['name']} has no property {'.'.join(path)}: "
                           "elastometer_lab.keda must be adapted to KEDA's new version")
        schema = dict(found) if part == "[]" else found[part]
    return schema


def limit_windows(definition: Manifest) -> None:
    """Refuse windows that the HPA does not accept when the object is created, and not at the first scaling."""
    for direction in ("scaleDown", "scaleUp"):
        property_of(definition, "spec", "advanced", "horizontalPodAutoscalerConfig", "behavior", direction,
                    "stabilizationWindowSeconds").update(WINDOW_LIMITS)


def relax_job_template(definition: Manifest) -> None:
    """Keep the labels of a job's Pods, and make the protocol part of a port's key, as the API server requires."""
    template = ("spec", "jobTargetRef", "template")
    property_of(definition, *template, "metadata")["x-kubernetes-preserve-unknown-fields"] = True
    for containers in ("containers", "initContainers", "ephemeralContainers"):
        ports = property_of(definition, *template, "spec", containers, "[]", "ports")
        if "protocol" not in ports["items"]["required"]:
            ports["items"]["required"].append("protocol")
