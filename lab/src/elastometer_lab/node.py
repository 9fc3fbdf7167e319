"""The node: containerd, kubelet and kube-proxy, each configured to use the lab's own directories and nothing else."""
from __future__ import annotations

import shutil
from pathlib import Path

import orjson

from elastometer_lab import settings as facts
from elastometer_lab.component import Component
from elastometer_lab.controlplane import Plan
from elastometer_lab.errors import LabError
from elastometer_lab.paths import NAME, Paths
from elastometer_lab.probes import all_of, containerd_answers, http_health, node_ready
from elastometer_lab.programs import PAUSE_IMAGE

CNI_BINARIES = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
NAMESPACE = "k8s.io"
"""containerd's namespace for everything that the kubelet manages."""
HOUSEKEEPING = "1s"
"""How often cAdvisor reads a container's usage while it changes (at rest more seldom, down to every 15 s). The
kubelet's default of 10 s would be the resolution of all memory and CPU figures of a run that takes three minutes."""


def ctr(paths: Paths, *arguments: str) -> tuple[str, ...]:
    """A command line of containerd's own client, for the lab's containerd."""
    return ("ctr", "--address", str(paths.containerd_socket), "--namespace", NAMESPACE, *arguments)


def cni_directory() -> Path:
    """The directory in which this distribution installs the CNI plugins."""
    for directory in CNI_BINARIES:
        if (directory / "bridge").exists():
            return directory
    raise LabError(f"the CNI plugins are in none of {', '.join(map(str, CNI_BINARIES))}: "
                   "install containernetworking-plugins")


def containerd_configuration(plan: Plan) -> str:
    """The configuration in TOML: https://github.com/containerd/containerd/blob/main/docs/cri/config.md"""
    # restrict_oom_score_adj: without CAP_SYS_RESOURCE no sandbox may lower its OOM score, and each would fail to start
    # with "can't get final child's PID from pipe". The disabled plugins need devices or directories outside the lab.
    # SystemdCgroup is off because the lab's cgroup is its own and not systemd's.
    paths = plan.paths
    return f"""version = 2
root = "{paths.containerd_root}"
state = "{paths.run}/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "{paths.containerd_socket}"
[ttrpc]
  address = "{paths.containerd_socket}.ttrpc"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      Root = "{paths.run}/runc"
      SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni_directory()}"
    conf_dir = "{paths.config}/cni"
"""


def cni_configuration(paths: Paths) -> dict[str, object]:
    """All Pods on one bridge, with addresses from the node's subnet; the leases are in the lab's state."""
    # hairpinMode lets a Pod reach itself through its own Service. No masquerading here: kube-proxy does what is needed.
    return {"cniVersion": "0.4.0", "name": NAME, "plugins": [
        {"type": "bridge", "bridge": facts.BRIDGE, "isGateway": True, "hairpinMode": True, "ipMasq": False,
         "ipam": {"type": "host-local", "dataDir": str(paths.state / "cni"), "routes": [{"dst": "0.0.0.0/0"}],
                  "ranges": [[{"subnet": facts.POD_SUBNET, "rangeStart": facts.FIRST_POD_ADDRESS,
                               "gateway": facts.NODE_ADDRESS}]]}},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ]}


def containerd(plan: Plan) -> Component:
    """The host's containerd program, with the lab's own root, state and socket."""
    paths = plan.paths
    network = paths.config / "cni" / "10-lab.conflist"
    network.parent.mkdir(parents=True, exist_ok=True)
    network.write_bytes(orjson.dumps(cni_configuration(paths), option=orjson.OPT_INDENT_2))
    configuration = paths.config / "containerd.toml"
    configuration.write_text(containerd_configuration(plan))
    program = shutil.which("containerd") or "/usr/bin/containerd"
    return Component("containerd", (program, "--config", str(configuration)),
                     containerd_answers(ctr(paths)), reads=(configuration, network))


def kubelet_configuration(plan: Plan, resolver: Path) -> dict[str, object]:
    """The kubelet's configuration: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/"""
    paths = plan.paths
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{paths.containerd_socket}",
        # Otherwise the kubelet refuses to start on hosts with cgroup v1 (since 1.35) or with swap.
        "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{NAME}", "failCgroupV1": False, "failSwapOn": False,
        "clusterDNS": [facts.DNS_ADDRESS], "clusterDomain": "cluster.local", "resolvConf": str(resolver),
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                           "x509": {"clientCAFile": plan.pki("ca.crt")}},
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": plan.pki("kubelet.crt"), "tlsPrivateKeyFile": plan.pki("kubelet.key"),
        # The disk of a workstation is often nearly full: with the defaults Pods would be evicted and images removed.
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "200Mi", "imagefs.available": "200Mi",
                         "nodefs.inodesFree": "1%", "imagefs.inodesFree": "1%"},
        "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99,
        "podLogsDir": str(paths.log / "pods"), "volumePluginDir": str(paths.state / "kubelet/volume-plugins"),
        # The default oomScoreAdj of -999 needs CAP_SYS_RESOURCE. Pulls and events are not limited, so that a burst of
        # starts is as fast as the node can be.
        "oomScoreAdj": 0, "serializeImagePulls": False, "registryPullQPS": 0, "eventRecordQPS": 0,
        "kubeAPIQPS": 100, "kubeAPIBurst": 200, "nodeStatusUpdateFrequency": "5s",
        "shutdownGracePeriod": "0s", "port": facts.KUBELET_PORT, "healthzPort": facts.KUBELET_HEALTH_PORT,
    }


def kubelet(plan: Plan) -> Component:
    """The kubelet, whose root is in the lab's mount namespace, so that no mount of a Pod appears on the host."""
    # Not the host's resolv.conf: its servers cannot be reached, and every lookup would wait for them.
    resolver = plan.paths.config / "resolv.conf"
    resolver.write_text("# no resolver: nothing outside the lab can be reached from it\n")
    configuration = plan.write("kubelet.yaml", kubelet_configuration(plan, resolver))
    config = plan.component_kubeconfig("kubelet")
    return Component("kubelet", (
        str(plan.kube), "kubelet", f"--config={configuration}", f"--kubeconfig={config}",
        f"--hostname-override={plan.settings.node}", f"--node-ip={facts.NODE_ADDRESS}",
        f"--root-dir={plan.paths.state / 'kubelet'}", "--v=2", *cadvisor_flags(plan.paths),
    ), all_of(http_health(f"http://127.0.0.1:{facts.KUBELET_HEALTH_PORT}/healthz"),
              node_ready(plan.paths.pki, plan.settings.node)),
        reads=(configuration, config, plan.paths.pki / "kubelet.crt"), recovery_seconds=15.0)


def cadvisor_flags(paths: Paths) -> tuple[str, ...]:
    """cAdvisor has no fields in the kubelet's configuration. Without containerd's socket its rows of containers carry
    no names, and no Pod has a row of its network."""
    return (f"--containerd={paths.containerd_socket}", f"--containerd-namespace={NAMESPACE}",
            f"--housekeeping-interval={HOUSEKEEPING}")


def proxy(plan: Plan) -> Component:
    """kube-proxy in iptables mode, whose rules are in the lab's network namespace only."""
    config = plan.component_kubeconfig("proxy")
    configuration = plan.write("proxy.yaml", {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "iptables",
        "clientConnection": {"kubeconfig": str(config)}, "clusterCIDR": facts.POD_NETWORK,
        # 0 leaves conntrack's limits as they are: they are those of the whole host.
        "hostnameOverride": plan.settings.node, "conntrack": {"maxPerCore": 0, "min": 0},
        "iptables": {"masqueradeAll": plan.masquerade_all}, "metricsBindAddress": "127.0.0.1:10249",
        "healthzBindAddress": f"127.0.0.1:{facts.PROXY_HEALTH_PORT}",
    })
    return Component("kube-proxy", (str(plan.kube), "kube-proxy", f"--config={configuration}", "--v=1"),
                     http_health(f"http://127.0.0.1:{facts.PROXY_HEALTH_PORT}/livez"), reads=(configuration, config))
