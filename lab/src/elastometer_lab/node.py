"""The node: containerd, kubelet and kube-proxy, each with a configuration that stays within the lab's own places."""
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
"""containerd's namespace for everything that the kubelet sees."""


def ctr(paths: Paths, *arguments: str) -> tuple[str, ...]:
    """A command of containerd's own client on the lab's socket."""
    return ("ctr", "--address", str(paths.containerd_socket), "--namespace", NAMESPACE, *arguments)


def cni_directory() -> Path:
    """Where this distribution puts the CNI plugins."""
    for directory in CNI_BINARIES:
        if (directory / "bridge").exists():
            return directory
    raise LabError(f"the CNI plugins are in none of {', '.join(map(str, CNI_BINARIES))}: "
                   "install containernetworking-plugins")


def containerd_configuration(plan: Plan) -> str:
    """TOML. `restrict_oom_score_adj`: without CAP_SYS_RESOURCE no sandbox could lower its score and all would die."""
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
    """Pods on one bridge, addresses from the node's subnet, leases kept with the lab's state."""
    return {"cniVersion": "0.4.0", "name": NAME, "plugins": [
        {"type": "bridge", "bridge": facts.BRIDGE, "isGateway": True, "hairpinMode": True, "ipMasq": False,
         "ipam": {"type": "host-local", "dataDir": str(paths.state / "cni"), "routes": [{"dst": "0.0.0.0/0"}],
                  "ranges": [[{"subnet": facts.POD_SUBNET, "rangeStart": facts.FIRST_POD_ADDRESS,
                               "gateway": facts.NODE_ADDRESS}]]}},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ]}


def containerd(plan: Plan) -> Component:
    """Debian's containerd, with root, state and socket of the lab's own."""
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
    """Thresholds of eviction are tiny and images are never collected: the disk of a workstation is often full."""
    paths = plan.paths
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{paths.containerd_socket}",
        "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{NAME}", "failCgroupV1": False, "failSwapOn": False,
        "clusterDNS": [facts.DNS_ADDRESS], "clusterDomain": "cluster.local", "resolvConf": str(resolver),
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                           "x509": {"clientCAFile": plan.pki("ca.crt")}},
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": plan.pki("kubelet.crt"), "tlsPrivateKeyFile": plan.pki("kubelet.key"),
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "200Mi", "imagefs.available": "200Mi",
                         "nodefs.inodesFree": "1%", "imagefs.inodesFree": "1%"},
        "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99,
        "podLogsDir": str(paths.log / "pods"), "volumePluginDir": str(paths.state / "kubelet/volume-plugins"),
        "oomScoreAdj": 0, "serializeImagePulls": False, "registryPullQPS": 0, "eventRecordQPS": 0,
        "kubeAPIQPS": 100, "kubeAPIBurst": 200, "nodeStatusUpdateFrequency": "5s",
        "shutdownGracePeriod": "0s", "port": facts.KUBELET_PORT, "healthzPort": facts.KUBELET_HEALTH_PORT,
    }


def kubelet(plan: Plan) -> Component:
    """Its root is inside the lab's mount namespace, so that no mount of a pod appears on the host."""
    resolver = plan.paths.config / "resolv.conf"
    resolver.write_text("# no resolver: nothing beyond the lab can be reached from it\n")
    configuration = plan.write("kubelet.yaml", kubelet_configuration(plan, resolver))
    config = plan.component_kubeconfig("kubelet")
    return Component("kubelet", (
        str(plan.kube), "kubelet", f"--config={configuration}", f"--kubeconfig={config}",
        f"--hostname-override={plan.settings.node}", f"--node-ip={facts.NODE_ADDRESS}",
        f"--root-dir={plan.paths.state / 'kubelet'}", "--v=2",
    ), all_of(http_health(f"http://127.0.0.1:{facts.KUBELET_HEALTH_PORT}/healthz"),
              node_ready(plan.paths.pki, plan.settings.node)),
        reads=(configuration, config, plan.paths.pki / "kubelet.crt"), recovery_seconds=15.0)


def proxy(plan: Plan) -> Component:
    """iptables rules, in the lab's network namespace alone; conntrack limits are the host's and stay as they are."""
    config = plan.component_kubeconfig("proxy")
    configuration = plan.write("proxy.yaml", {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "iptables",
        "clientConnection": {"kubeconfig": str(config)}, "clusterCIDR": facts.POD_NETWORK,
        "hostnameOverride": plan.settings.node, "conntrack": {"maxPerCore": 0, "min": 0},
        "iptables": {"masqueradeAll": plan.masquerade_all}, "metricsBindAddress": "127.0.0.1:10249",
        "healthzBindAddress": f"127.0.0.1:{facts.PROXY_HEALTH_PORT}",
    })
    return Component("kube-proxy", (str(plan.kube), "kube-proxy", f"--config={configuration}", "--v=1"),
                     http_health(f"http://127.0.0.1:{facts.PROXY_HEALTH_PORT}/livez"), reads=(configuration, config))
