"""The chart renders what is meant to be installed, nothing when disabled, and the least roles. Needs a helm binary."""
from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastometer.world.log_lines import LogFormat
from support.chart import CHART, KUBERNETES, ROOT, helm, needs_helm, render, values_schema

NAME = "elastometer"
DIGEST = "sha256:" + "5e" * 32
# What is handed on as it is; the API server knows its fields.
OF_THE_POD_API = {".podSecurityContext", ".securityContext", ".affinity.nodeAffinity", ".affinity.podAffinity",
                  ".affinity.podAntiAffinity"}


def rendered(*settings: str, release: str = NAME) -> list[dict[str, Any]]:
    flags = [flag for setting in settings for flag in ("--set", setting)]
    done = helm("template", release, str(CHART), "-n", "measure", *KUBERNETES, *flags)
    assert done.returncode == 0, done.stderr
    objects = [document for document in yaml.safe_load_all(done.stdout) if document]
    assert objects
    return objects


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [item for item in objects if item["kind"] == kind]


def the(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    found = of_kind(objects, kind)
    assert len(found) == 1, [item["kind"] for item in objects]
    return found[0]


def pod(objects: list[dict[str, Any]]) -> dict[str, Any]:
    spec: dict[str, Any] = the(objects, "Deployment")["spec"]["template"]["spec"]
    return spec


def environment(objects: list[dict[str, Any]]) -> dict[str, Any]:
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in pod(objects)["containers"][0]["env"]}


def operator_rules(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    roles = of_kind(objects, "ClusterRole") + of_kind(objects, "Role")
    mine = [role for role in roles if not role["metadata"]["name"].endswith(("-view", "-edit"))]
    return [rule for role in mine for rule in role["rules"]]


def verbs(objects: list[dict[str, Any]], resource: str, group: str | None = None) -> set[str]:
    rules = [rule for rule in operator_rules(objects)
             if resource in rule["resources"] and group in (None, *rule["apiGroups"])]
    return {verb for rule in rules for verb in rule["verbs"]}


@pytest.mark.parametrize("kind", ["elasticitytest", "elasticitystudy"])
def test_the_chart_copy_of_a_schema_is_the_schema_with_one_annotation(kind: str):
    text = (CHART / f"templates/crds/{kind}.yaml").read_text()
    first, *body, last = text.splitlines()
    assert (first, last) == ("{{- if .Values.crds.install }}", "{{- end }}")
    copy = yaml.safe_load("\n".join(body))
    assert copy["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
    assert copy == yaml.safe_load((ROOT / f"manifests/crd/{kind}.yaml").read_text())


def test_every_value_has_a_described_schema_that_refuses_the_unknown():
    schema = values_schema()

    def look(path: str, node: dict[str, Any], value: Any) -> None:
        assert node.get("description"), path
        if path.endswith(".global"):
            return
        if node["type"] == "object":
            more = node.get("additionalProperties")
            assert more is False or path in OF_THE_POD_API or "type" in more, path
        for name, child in node.get("properties", {}).items():
            look(f"{path}.{name}", child, value.get(name) if isinstance(value, dict) else None)
        if isinstance(value, dict) and "properties" in node:
            assert set(value) <= set(node["properties"]), path

    look("", schema, yaml.safe_load((CHART / "values.yaml").read_text()))


def test_the_readme_names_every_value():
    readme = (CHART / "README.md").read_text()
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert [name for name in values if name not in readme and not name.endswith("Override")] == []


@needs_helm
def test_the_chart_passes_lint():
    done = helm("lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout + done.stderr


@needs_helm
@pytest.mark.parametrize("setting", ["colour=red", "image.tagg=1", "persistence.size=big", "prometheus.url=ftp://x",
                                     "watchNamespace=Not_A_Name", "persistence.onUninstall=Maybe", "log.format=xml",
                                     "log.level=LOUD", "image.digest=latest",
                                     "podLabels.helm\\.sh/chart=x",
                                     "commonLabels.app\\.kubernetes\\.io/name=x", "extraEnv[0].name=ELASTOMETER_DATA",
                                     "extraVolumes[0].name=data", "affinity.nodeAfinity.x=1",
                                     "podDisruptionBudget.maxUnavailable=2"])
def test_a_value_that_is_unknown_or_wrong_is_refused(setting: str):
    done = helm("template", NAME, str(CHART), *KUBERNETES, "--set", setting)
    assert done.returncode != 0
    assert "schema" in done.stderr


@needs_helm
def test_the_default_installs_the_operator_and_nothing_else():
    kinds = sorted(item["kind"] for item in rendered())
    assert kinds == ["ClusterRole", "ClusterRole", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition",
                     "CustomResourceDefinition", "Deployment", "PersistentVolumeClaim", "Service", "ServiceAccount"]


@needs_helm
def test_the_operator_runs_as_restricted_pod_security_asks():
    spec = pod(rendered())
    container = spec["containers"][0]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["securityContext"]["fsGroup"] == 65532
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert "command" not in container


@needs_helm
def test_only_one_operator_ever_writes_to_the_volume():
    deployment = the(rendered(), "Deployment")
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}


@needs_helm
def test_the_operator_gets_its_own_address_and_those_of_what_it_uses():
    given = environment(rendered("prometheus.url=http://p.obs:80", "watchNamespace=staging", release="lab"))
    assert given == {
        "POD_ID": {"fieldRef": {"fieldPath": "metadata.name"}},
        "ELASTOMETER_NAMESPACE": {"fieldRef": {"fieldPath": "metadata.namespace"}},
        "ELASTOMETER_SERVICE": "lab-elastometer",
        "ELASTOMETER_RECEIVER_URL": "http://lab-elastometer.measure.svc:8081",
        "ELASTOMETER_PROMETHEUS_URL": "http://p.obs:80",
        "ELASTOMETER_LOADGEN_IMAGE": "docker.io/elastometer/loadgen:0.1.0",
        "ELASTOMETER_WATCH_NAMESPACE": "staging",
        "ELASTOMETER_DATA": "/data",
        "ELASTOMETER_LOG_FORMAT": "text",
        "ELASTOMETER_LOG_LEVEL": "INFO",
    }


@needs_helm
def test_the_log_can_be_json_and_every_format_of_the_schema_is_known_to_the_operator():
    assert environment(rendered("log.format=json"))["ELASTOMETER_LOG_FORMAT"] == "json"
    # `helm upgrade --reuse-values` from a release that knew no such values.
    assert environment(rendered("log=null"))["ELASTOMETER_LOG_FORMAT"] == LogFormat.TEXT
    schema = values_schema()["properties"]["log"]["properties"]
    assert set(schema["format"]["enum"]) == set(LogFormat)
    assert set(schema["level"]["enum"]) <= set(logging.getLevelNamesMapping())


@needs_helm
def test_the_service_reaches_the_receiver_and_the_metrics():
    service = the(rendered(), "Service")
    named = {port["name"]: port["containerPort"] for port in pod(rendered())["containers"][0]["ports"]}
    assert {port["port"]: named[port["targetPort"]] for port in service["spec"]["ports"]} == {8081: 8081, 8080: 8080}
    selected = service["spec"]["selector"].items()
    assert selected <= the(rendered(), "Deployment")["spec"]["template"]["metadata"]["labels"].items()


@needs_helm
def test_the_operator_never_lists_secrets_and_has_no_wildcard_but_to_read_custom_metrics():
    objects = rendered()
    assert verbs(objects, "secrets") == {"create", "get"}
    wild = [rule for rule in operator_rules(objects)
            if "*" in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]]
    assert wild == [{"apiGroups": ["custom.metrics.k8s.io"], "resources": ["*"], "verbs": ["get"]}]


@needs_helm
def test_the_operator_makes_and_removes_the_runs_of_studies_and_never_makes_a_study():
    objects = rendered()
    assert verbs(objects, "elasticitytests") == {"get", "list", "watch", "patch", "create", "delete"}
    assert verbs(objects, "elasticitystudies") == {"get", "list", "watch", "patch"}
    for kind in ("elasticitytests", "elasticitystudies"):
        assert verbs(objects, f"{kind}/status") == {"get", "patch"}
        assert verbs(objects, f"{kind}/finalizers") == {"update"}


@needs_helm
def test_what_the_autoscaler_reads_of_its_pods_may_be_read_and_no_more():
    assert verbs(rendered(), "pods", "metrics.k8s.io") == {"list"}
    assert verbs(rendered(), "*", "custom.metrics.k8s.io") == {"get"}


@needs_helm
@pytest.mark.parametrize("resource", ["pods", "events", "endpointslices", "jobs", "deployments",
                                      "horizontalpodautoscalers", "scaledobjects", "nodes"])
def test_what_the_recorder_follows_may_be_listed_and_watched(resource: str):
    assert {"get", "list", "watch"} <= verbs(rendered(), resource)


@needs_helm
def test_one_watched_namespace_leaves_only_cluster_scoped_reads_in_the_cluster_role():
    objects = rendered("watchNamespace=staging")
    role = the(objects, "Role")
    assert role["metadata"]["namespace"] == "staging"
    assert the(objects, "RoleBinding")["subjects"][0]["namespace"] == "measure"
    cluster = [item for item in of_kind(objects, "ClusterRole")
               if not item["metadata"]["name"].endswith(("-view", "-edit"))]
    resources = {name for item in cluster for rule in item["rules"] for name in rule["resources"]}
    assert resources == {"nodes", "customresourcedefinitions", "namespaces"}
    assert {verb for item in cluster for rule in item["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}


@needs_helm
@pytest.mark.parametrize(("setting", "kind"), [
    ("crds.install=false", "CustomResourceDefinition"), ("persistence.enabled=false", "PersistentVolumeClaim"),
    ("persistence.existingClaim=mine", "PersistentVolumeClaim"), ("serviceAccount.create=false", "ServiceAccount"),
    ("rbac.create=false", "ClusterRoleBinding"),
])
def test_what_is_disabled_is_not_rendered(setting: str, kind: str):
    assert of_kind(rendered(), kind)
    assert of_kind(rendered(setting), kind) == []


@needs_helm
def test_without_persistence_the_data_is_an_empty_dir():
    volumes = {item["name"]: item for item in pod(rendered("persistence.enabled=false"))["volumes"]}
    assert volumes["data"] == {"name": "data", "emptyDir": {}}
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "mine"}} in pod(
        rendered("persistence.existingClaim=mine"))["volumes"]


@needs_helm
def test_the_claim_asks_for_a_class_and_outlives_the_release_only_when_asked_to():
    plain = the(rendered(), "PersistentVolumeClaim")
    assert "storageClassName" not in plain["spec"]
    assert "annotations" not in plain["metadata"]
    given = the(rendered("persistence.storageClassName=fast", "persistence.onUninstall=Keep"), "PersistentVolumeClaim")
    assert given["spec"]["storageClassName"] == "fast"
    assert given["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


@needs_helm
def test_the_clusters_own_roles_may_read_and_edit_tests_and_studies():
    both = ["elasticitytests", "elasticitystudies"]
    of_users = [item["rules"] for item in of_kind(rendered(), "ClusterRole")
                if item["metadata"]["name"].endswith(("-view", "-edit"))]
    assert [rule["resources"] for rules in of_users for rule in rules] == [both, both]
    labels = [set(item["metadata"]["labels"]) for item in of_kind(rendered(), "ClusterRole")]
    assert any("rbac.authorization.k8s.io/aggregate-to-view" in found for found in labels)
    assert any("rbac.authorization.k8s.io/aggregate-to-edit" in found for found in labels)
    assert len(of_kind(rendered("rbac.aggregate=false"), "ClusterRole")) == 1


@needs_helm
def test_a_digest_replaces_the_tag_of_either_image():
    objects = rendered(f"image.digest={DIGEST}", "image.tag=v9", f"loadgen.image.digest={DIGEST}")
    assert pod(objects)["containers"][0]["image"] == f"docker.io/elastometer/operator@{DIGEST}"
    assert environment(objects)["ELASTOMETER_LOADGEN_IMAGE"] == f"docker.io/elastometer/loadgen@{DIGEST}"


@needs_helm
def test_no_class_is_an_empty_class():
    claim = the(rendered("persistence.storageClassName=-"), "PersistentVolumeClaim")
    assert claim["spec"]["storageClassName"] == ""


@needs_helm
@pytest.mark.parametrize(("release", "name"), [
    ("2024", "elastometer-2024-elastometer"), ("0x10", "elastometer-0x10-elastometer"), ("true", "true-elastometer"),
    ("a.b", "a-b-elastometer"), ("elastometer", "elastometer"), ("9" * 53, ("elastometer-" + "9" * 53)[:63]),
])
def test_a_service_has_a_name_that_every_api_server_takes(release: str, name: str):
    objects = rendered(release=release)
    assert the(objects, "Service")["metadata"]["name"] == name
    assert environment(objects)["ELASTOMETER_SERVICE"] == name
    assert environment(objects)["ELASTOMETER_RECEIVER_URL"] == f"http://{name}.measure.svc:8081"


@needs_helm
def test_security_settings_are_replaced_one_by_one_and_null_leaves_one_to_the_cluster():
    objects = rendered("podSecurityContext.runAsUser=null", "podSecurityContext.fsGroup=7",
                       "securityContext.capabilities.add[0]=NET_BIND_SERVICE")
    default = pod(rendered())
    expected = {**default["securityContext"], "fsGroup": 7}
    del expected["runAsUser"]
    assert pod(objects)["securityContext"] == expected
    assert pod(objects)["containers"][0]["securityContext"] == {
        **default["containers"][0]["securityContext"],
        "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}
    # `helm upgrade --reuse-values` from a release that knew no such values.
    old = pod(rendered("podSecurityContext=null", "securityContext=null"))
    assert old["securityContext"] == default["securityContext"]
    assert old["containers"][0]["securityContext"] == default["containers"][0]["securityContext"]


@needs_helm
def test_a_release_that_knew_none_of_the_newer_values_is_upgraded(tmp_path: Path):
    newer = ("extraEnv", "extraEnvFrom", "extraVolumes", "extraVolumeMounts", "podSecurityContext", "securityContext",
             "commonLabels", "deploymentAnnotations", "affinity", "topologySpreadConstraints", "service",
             "terminationGracePeriodSeconds", "revisionHistoryLimit", "podDisruptionBudget", "serviceMonitor")
    old = render(dict.fromkeys(newer), tmp_path, release=NAME, namespace="measure")
    assert old == rendered()


@needs_helm
def test_placement_is_handed_on_and_a_constraint_counts_the_operators_pods(tmp_path: Path):
    term = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}
    spread = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
    other = {**spread, "labelSelector": {"matchLabels": {"app": "x"}}}
    objects = render({"affinity": affinity, "topologySpreadConstraints": [spread, other]}, tmp_path, release="lab",
                     namespace="measure")
    selector = the(objects, "Deployment")["spec"]["selector"]
    assert pod(objects)["affinity"] == affinity
    assert pod(objects)["topologySpreadConstraints"] == [{**spread, "labelSelector": selector}, other]


@needs_helm
def test_more_of_the_environment_and_of_volumes_comes_after_what_the_chart_sets(tmp_path: Path):
    env = [{"name": "HTTPS_PROXY", "value": "1e3"},
           {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    volume, mount = {"name": "ca", "configMap": {"name": "ca"}}, {"name": "ca", "mountPath": "/ca", "readOnly": True}
    more = {"extraEnv": env, "extraEnvFrom": [{"secretRef": {"name": "s"}}], "extraVolumes": [volume],
            "extraVolumeMounts": [mount]}
    spec = pod(render(more, tmp_path, release="lab", namespace="measure"))
    assert spec["containers"][0]["env"][-2:] == env
    assert spec["containers"][0]["envFrom"] == more["extraEnvFrom"]
    assert spec["volumes"][-1] == volume
    assert spec["containers"][0]["volumeMounts"][-1] == mount


@needs_helm
def test_common_labels_are_on_every_object_and_a_pods_own_label_wins():
    objects = rendered("commonLabels.team=a", "podLabels.team=b", "crds.install=false", "serviceMonitor.enabled=true",
                       "serviceMonitor.labels.team=c", "podDisruptionBudget.enabled=true")
    assert {item["metadata"]["labels"]["team"] for item in objects if item["kind"] != "ServiceMonitor"} == {"a"}
    assert the(objects, "ServiceMonitor")["metadata"]["labels"]["team"] == "c"
    template = the(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert template["team"] == "b"
    assert "team" not in the(objects, "Deployment")["spec"]["selector"]["matchLabels"]


@needs_helm
def test_a_budget_blocks_the_drain_of_the_one_replica_only_when_asked_to():
    assert of_kind(rendered(), "PodDisruptionBudget") == []
    budget = the(rendered("podDisruptionBudget.enabled=true"), "PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 0
    assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert budget["spec"]["selector"] == the(rendered(), "Deployment")["spec"]["selector"]


@needs_helm
def test_a_parent_chart_may_switch_it_on_and_share_global_values(tmp_path: Path):
    parent = tmp_path / "parent"
    (parent / "charts").mkdir(parents=True)
    (parent / "charts/elastometer").symlink_to(CHART)
    dependency = {"name": "elastometer", "version": "0.1.0", "condition": "elastometer.enabled"}
    chart = {"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": [dependency]}
    (parent / "Chart.yaml").write_text(yaml.safe_dump(chart))
    given = {"global": {"imageRegistry": "x", "team": {"a": 1}}, "elastometer": {"enabled": True}}
    objects = render(given, tmp_path, release="lab", namespace="measure", chart=parent)
    assert the(objects, "Deployment")["metadata"]["name"] == "lab-elastometer"
