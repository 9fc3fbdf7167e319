"""The manifests of the stack agree with the images that the lab makes, and KEDA's are fitted to it."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastometer.resources.promql import QUERIES
from elastometer_lab import keda
from elastometer_lab.errors import LabError
from elastometer_lab.paths import REPOSITORY
from elastometer_lab.programs import IMAGES

STACK = REPOSITORY / "manifests" / "stack"
PULLED = {"registry.k8s.io/prometheus-adapter/prometheus-adapter:v0.12.0"}
"""For clusters that can pull images; the lab does not apply it."""


def objects() -> list[tuple[Path, dict[str, Any]]]:
    return [(path, each) for path in sorted(STACK.rglob("*.yaml")) for each in yaml.safe_load_all(path.read_text())]


def deployments() -> list[Any]:
    found = [(path.relative_to(STACK), each) for path, each in objects() if each["kind"] == "Deployment"]
    return [pytest.param(each, id=str(path)) for path, each in found]


def test_most_deployments_run_an_image_that_is_built_here() -> None:
    images = [container["image"] for _, each in objects() if each["kind"] == "Deployment"
              for container in each["spec"]["template"]["spec"]["containers"]]
    assert len([image for image in images if image not in PULLED]) > len(images) / 2


@pytest.mark.parametrize("deployment", deployments())
def test_a_deployment_runs_a_program_at_its_place_in_the_image(deployment: dict[str, Any]) -> None:
    images = {image.name: image for image in IMAGES}
    for container in deployment["spec"]["template"]["spec"]["containers"]:
        if container["image"] not in PULLED:
            assert tuple(container["command"]) == images[container["image"]].entrypoint


@pytest.mark.parametrize("deployment", deployments())
def test_a_deployment_is_modest(deployment: dict[str, Any]) -> None:
    pod = deployment["spec"]["template"]["spec"]
    for container in pod["containers"]:
        security = {**pod.get("securityContext", {}), **container["securityContext"]}
        assert security["runAsNonRoot"]
        assert security["runAsUser"] > 0
        assert not security["allowPrivilegeEscalation"]
        assert container["imagePullPolicy"] == "IfNotPresent"
        assert int(container["resources"]["requests"]["cpu"].removesuffix("m")) <= 50


def named(kind: str, name: str) -> list[dict[str, Any]]:
    return [each for _, each in objects() if (each["kind"], each["metadata"]["name"]) == (kind, name)]


def test_both_metrics_adapters_read_the_same_rules() -> None:
    found, rules = named("Deployment", "metrics-adapter"), named("ConfigMap", "metrics-adapter-rules")[0]
    assert len(found) == 2
    for each in found:
        pod = each["spec"]["template"]["spec"]
        volume = next(volume for volume in pod["volumes"] if "configMap" in volume)
        mount = next(mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == volume["name"])
        assert volume["configMap"]["name"] == rules["metadata"]["name"]
        assert f"--config={mount['mountPath']}/{next(iter(rules['data']))}" in pod["containers"][0]["args"]


def test_prometheus_keeps_every_series_of_cadvisor_that_a_run_reads_and_may_ask_for_it() -> None:
    jobs = yaml.safe_load(named("ConfigMap", "prometheus")[0]["data"]["prometheus.yml"])["scrape_configs"]
    kubelet = next(job for job in jobs if job.get("metrics_path") == "/metrics/cadvisor")
    kept = re.compile(next(rule["regex"] for rule in kubelet["metric_relabel_configs"]
                           if rule["source_labels"] == ["__name__"]))
    read = set(re.findall(r"container_[a-z_]+", " ".join(query.template for query in QUERIES)))
    assert len(read) == 7
    assert [name for name in read if not kept.fullmatch(name)] == []
    rules = named("ClusterRole", "elastometer-prometheus")[0]["rules"]
    assert any("nodes/metrics" in rule["resources"] and "get" in rule["verbs"] for rule in rules)


def test_metrics_server_waits_less_for_a_kubelet_than_it_waits_between_reads() -> None:
    container = named("Deployment", "metrics-server")[0]["spec"]["template"]["spec"]["containers"][0]
    arguments = dict(each.lstrip("-").partition("=")[::2] for each in container["args"])
    timeout, resolution = (int(arguments[name].removesuffix("s"))
                           for name in ("kubelet-request-timeout", "metric-resolution"))
    assert timeout <= 0.9 * resolution


def keda_deployment() -> dict[str, Any]:
    container = {"name": "keda-operator", "image": "ghcr.io/kedacore/keda:latest", "imagePullPolicy": "Always",
                 "args": ["--leader-elect", "--enable-cert-rotation=true", "--x"],
                 "readinessProbe": {"initialDelaySeconds": 20}, "securityContext": {"runAsNonRoot": True}}
    return {"kind": "Deployment", "metadata": {"name": "keda-operator"},
            "spec": {"template": {"spec": {"containers": [container]}}}}


def test_kedas_operator_runs_the_labs_image_with_certificates_that_are_given() -> None:
    given = keda_deployment()
    container = keda.adapted(given)["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "ghcr.io/kedacore/keda:2.21.0"
    assert container["imagePullPolicy"] == "IfNotPresent"
    assert container["args"] == ["--enable-cert-rotation=false", "--x"]
    assert container["securityContext"] == {"runAsNonRoot": True, "runAsUser": 1000}
    assert given == keda_deployment()


def test_kedas_metrics_service_has_the_name_that_its_certificate_is_for() -> None:
    service = keda.adapted({"kind": "Service", "metadata": {"name": "keda-metrics-apiserver"}})
    api = keda.adapted({"kind": "APIService", "metadata": {"name": "v"}, "spec": {"service": {"name": "x"}}})
    assert service["metadata"]["name"] == api["spec"]["service"]["name"] == "keda-operator-metrics-apiserver"


def test_a_definition_without_the_expected_property_is_refused_by_its_name() -> None:
    definition = {"kind": "CustomResourceDefinition", "metadata": {"name": "scaledobjects.keda.sh"},
                  "spec": {"versions": [{"schema": {"openAPIV3Schema": {"properties": {}}}}]}}
    with pytest.raises(LabError, match=r"scaledobjects\.keda\.sh has no property spec\.advanced"):
        keda.adapted(definition)
