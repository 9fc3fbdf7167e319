"""What the lab reads off the host and out of its manifests."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from elastometer_lab import cgroups, prerequisites, stack
from elastometer_lab.errors import LabError
from elastometer_lab.keeper import has_wrong_number

HYBRID = """\
25 20 0:21 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755
26 25 0:22 / /sys/fs/cgroup/unified rw,relatime shared:10 - cgroup2 cgroup2 rw,nsdelegate
27 25 0:23 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:11 - cgroup cgroup rw,cpu,cpuacct
28 25 0:24 / /sys/fs/cgroup/pids rw,relatime shared:12 - cgroup cgroup rw,pids
"""
UNIFIED = "26 25 0:22 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n"


def test_a_version_1_host_holds_the_lab_in_its_pids_hierarchy() -> None:
    found = cgroups.hierarchies(HYBRID)
    assert found["cpu,cpuacct"] == Path("/sys/fs/cgroup/cpu,cpuacct")
    assert cgroups.process_hierarchy(found) == Path("/sys/fs/cgroup/pids")


def test_a_version_2_host_holds_the_lab_in_the_one_hierarchy() -> None:
    assert cgroups.process_hierarchy(cgroups.hierarchies(UNIFIED)) == Path("/sys/fs/cgroup")


def test_on_a_host_without_cgroups_the_message_says_where_else_to_run() -> None:
    with pytest.raises(LabError, match="CLUSTER=kind"):
        cgroups.process_hierarchy({})


def test_for_a_root_without_capabilities_the_message_names_the_missing_ones() -> None:
    assert prerequisites.missing_capabilities("CapEff:\t000001fffeffffff\n") == []
    assert prerequisites.missing_capabilities("CapEff:\t00000000a80425fb\n") == ["CAP_NET_ADMIN", "CAP_SYS_ADMIN"]


def test_an_ordinary_user_is_refused_with_a_sentence_and_the_other_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites.os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match=r"must run as root(.|\n)*CLUSTER=current"):
        prerequisites.ensure_prerequisites()


def write_stack(directory: Path, *names: str) -> Path:
    for name in names:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("kind: ConfigMap\n")
    return directory


def test_what_is_for_clusters_that_pull_images_is_not_applied(tmp_path: Path) -> None:
    write_stack(tmp_path, "coredns/coredns.yaml", "prometheus-adapter/adapter.yaml", "coredns/kustomization.yaml")
    assert [path.name for path in stack.chosen_files(tmp_path)] == ["coredns.yaml"]


def test_every_part_of_the_labs_stack_has_manifests() -> None:
    for part in stack.PARTS:
        assert list((stack.MANIFESTS / part).glob("*.yaml")), part


def test_namespaces_and_definitions_come_before_what_needs_them(tmp_path: Path) -> None:
    write_stack(tmp_path, "coredns/a.yaml")
    (tmp_path / "coredns/a.yaml").write_text(
        "kind: Deployment\n---\nkind: List\nitems: [{kind: CustomResourceDefinition}]\n---\n---\nkind: Namespace\n")
    kinds = [each["kind"] for each in stack.load_stack(tmp_path, [{"kind": "Secret"}, {"kind": "Namespace"}])]
    assert kinds == ["Namespace", "Namespace", "CustomResourceDefinition", "Deployment", "Secret"]


def deployment(**status: int) -> dict[str, Any]:
    return {"kind": "Deployment", "metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": status}


@pytest.mark.parametrize(("seen", "rolled_out"), [
    (deployment(observedGeneration=2, replicas=1, updatedReplicas=1, readyReplicas=1), True),
    (deployment(observedGeneration=1, replicas=1, updatedReplicas=1, readyReplicas=1), False),
    (deployment(observedGeneration=2, replicas=2, updatedReplicas=1, readyReplicas=1), False),
    (deployment(observedGeneration=2, replicas=1, updatedReplicas=1), False),
    (deployment(), False),
], ids=["all ready", "new spec not seen", "old pod left", "not ready", "no status yet"])
def test_a_deployment_is_rolled_out_when_the_newest_pods_and_only_they_are_ready(
        seen: dict[str, Any], rolled_out: bool) -> None:
    assert stack.is_rolled_out(seen) is rolled_out


def test_the_keeper_patches_a_node_that_shows_another_number_of_gpus() -> None:
    def node(capacity: str, allocatable: str) -> dict[str, Any]:
        return {"status": {"capacity": {"nvidia.com/gpu": capacity}, "allocatable": {"nvidia.com/gpu": allocatable}}}

    assert has_wrong_number(node("0", "0"), 4)
    assert has_wrong_number(node("4", "0"), 4)
    assert has_wrong_number({"status": {"capacity": {"cpu": "2"}, "allocatable": {"cpu": "2"}}}, 4)
    assert not has_wrong_number(node("4", "4"), 4)


def test_the_keeper_waits_for_a_node_that_has_no_status_yet() -> None:
    assert not has_wrong_number({"status": {}}, 4)
    assert not has_wrong_number({}, 4)


class GoneApi:
    """An API server that nobody answers for."""

    def get(self, path: str) -> Any:
        raise ConnectionRefusedError(111, f"nobody answers {path}")

    def collection(self, manifest: dict[str, Any]) -> str:
        return f"/apis/apps/v1/{manifest['kind']}"


def test_a_stack_whose_api_server_went_away_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "SILENCE_SECONDS", 0.0)
    monkeypatch.setattr(stack, "POLL_SECONDS", 0.0)
    with pytest.raises(LabError, match=r"went away while the stack came up.*Run `up` again"):
        stack.await_stack(GoneApi(), [deployment() | {"metadata": {"name": "a"}}], 60.0)  # type: ignore[arg-type]
