"""What the lab writes for its programs and its people."""
from __future__ import annotations

import base64
import tomllib
from pathlib import Path

import pytest
import yaml

from elastometer_lab import controlplane, node
from elastometer_lab.certificates import certificates, ensure_certificates, extensions
from elastometer_lab.controlplane import Plan
from elastometer_lab.kubeconfig import kubeconfig, write_kubeconfig
from elastometer_lab.paths import REPOSITORY, Paths
from elastometer_lab.pythonimages import PYTHON_IMAGES, python_image, requirements
from elastometer_lab.settings import Settings, load_settings, save_settings


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path / "state", tmp_path / "cache", tmp_path / "run")
    paths.pki.mkdir(parents=True)
    paths.config.mkdir()
    for name in ("ca", "admin", "keeper", "proxy", "kubelet", "scheduler", "controller-manager", "apiserver"):
        (paths.pki / f"{name}.crt").write_text(f"certificate of {name}")
        (paths.pki / f"{name}.key").write_text(f"key of {name}")
    return paths


def test_a_kubeconfig_carries_its_certificates_and_its_current_context(paths: Paths) -> None:
    config = yaml.safe_load(kubeconfig("https://127.0.0.1:16443", "admin", paths.pki))
    context = next(c["context"] for c in config["contexts"] if c["name"] == config["current-context"])
    user = next(u["user"] for u in config["users"] if u["name"] == context["user"])
    cluster = next(c["cluster"] for c in config["clusters"] if c["name"] == context["cluster"])
    assert cluster["server"] == "https://127.0.0.1:16443"
    assert base64.b64decode(cluster["certificate-authority-data"]) == b"certificate of ca"
    assert base64.b64decode(user["client-key-data"]) == b"key of admin"


def test_a_kubeconfig_is_readable_by_its_owner_alone_and_not_rewritten_without_need(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "kubeconfig"
    write_kubeconfig(path, "a: 1\n")
    before = path.stat().st_mtime_ns
    write_kubeconfig(path, "a: 1\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_mtime_ns == before


def test_the_hpa_period_that_was_chosen_reaches_the_controller_manager_alone(paths: Paths) -> None:
    quick = Plan(paths, Settings(hpa_sync_seconds=2), Path("/bin/true"))
    usual = Plan(paths, Settings(), Path("/bin/true"))
    assert "--horizontal-pod-autoscaler-sync-period=2s" in controlplane.controller_manager(quick).argv
    assert "--horizontal-pod-autoscaler-sync-period=15s" in controlplane.controller_manager(usual).argv
    assert controlplane.scheduler(quick).argv == controlplane.scheduler(usual).argv


def test_the_kubelet_stays_within_the_labs_cgroup_and_directories(paths: Paths) -> None:
    configuration = node.kubelet_configuration(Plan(paths, Settings(), Path("/bin/true")), paths.config / "resolv.conf")
    assert configuration["cgroupRoot"] == "/elastometer-lab"
    assert configuration["failCgroupV1"] is False
    assert str(configuration["podLogsDir"]).startswith(str(paths.state))
    assert str(configuration["volumePluginDir"]).startswith(str(paths.state))


def test_cadvisor_is_given_what_names_its_rows_and_reads_a_busy_container_each_second(paths: Paths) -> None:
    flags = dict(flag.removeprefix("--").split("=", 1) for flag in node.cadvisor_flags(paths))
    assert flags == {"containerd": str(paths.containerd_socket), "containerd-namespace": "k8s.io",
                     "housekeeping-interval": "1s"}


def test_containerds_configuration_is_toml_that_keeps_to_the_labs_places(
        paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "cni_directory", lambda: Path("/usr/lib/cni"))
    parsed = tomllib.loads(node.containerd_configuration(Plan(paths, Settings(), Path("/bin/true"))))
    cri = parsed["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["restrict_oom_score_adj"] is True
    assert parsed["root"] == str(paths.cache / "containerd")
    assert cri["containerd"]["runtimes"]["runc"]["options"]["Root"].startswith(str(paths.run))


def test_an_unchanged_configuration_file_is_not_touched(paths: Paths) -> None:
    plan = Plan(paths, Settings(), Path("/bin/true"))
    before = plan.write("proxy.yaml", {"mode": "iptables"}).stat().st_mtime_ns
    assert plan.write("proxy.yaml", {"mode": "iptables"}).stat().st_mtime_ns == before


def test_what_is_not_chosen_stays_as_the_running_lab_has_it(tmp_path: Path) -> None:
    save_settings(tmp_path / "settings.json", Settings(gpus=8, keda=True, hpa_sync_seconds=2))
    loaded = load_settings(tmp_path / "settings.json")
    assert loaded is not None
    assert loaded.merged({"gpus": None, "keda": None, "hpa_sync_seconds": 15}) == Settings(gpus=8, keda=True)


def test_without_a_lab_there_are_no_settings(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "settings.json") is None


def test_a_server_certificate_names_every_address_it_is_called_by() -> None:
    api = next(each for each in certificates("node") if each.name == "apiserver")
    assert {"IP:127.0.0.1", "IP:10.96.0.1", "IP:10.244.0.1"} <= set(api.names)
    assert "subjectAltName" not in extensions(next(c for c in certificates("node") if c.name == "admin"))


def test_certificates_are_made_once_for_the_same_facts(tmp_path: Path) -> None:
    assert ensure_certificates(tmp_path / "pki", "node") is True
    assert ensure_certificates(tmp_path / "pki", "node") is False
    assert (tmp_path / "pki" / "ca.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("wanted", PYTHON_IMAGES, ids=lambda image: image.extra)
def test_the_dockerfile_makes_the_same_image_as_the_lab(wanted: object) -> None:
    assert wanted in PYTHON_IMAGES
    image = next(each for each in PYTHON_IMAGES if each is wanted)
    text = (REPOSITORY / DOCKERFILES[image.extra]).read_text()
    made = python_image(image, ())
    assert f'ENTRYPOINT ["python3", "-m", "{image.module}"]' in text
    assert f"['optional-dependencies']['{image.extra}']" in text
    assert f"USER {made.user}" in text
    assert all(variable in text.replace(" \\\n", "") for variable in made.environment)


DOCKERFILES = {"operator": "operator/Dockerfile", "loadgen": "loadgen/Dockerfile", "standin": "lab/standin/Dockerfile"}


def test_requirements_of_an_image_are_those_of_its_extra_and_no_other() -> None:
    assert any(name.startswith("kopf") for name in requirements("operator"))
    assert any(name.startswith("polars") for name in requirements("operator"))
    for extra in ("loadgen", "standin"):
        assert not any(name.startswith(("kopf", "kubernetes", "polars")) for name in requirements(extra))
    base = "p['dependencies']"
    assert [place for place in DOCKERFILES.values() if base in (REPOSITORY / place).read_text()] == []
