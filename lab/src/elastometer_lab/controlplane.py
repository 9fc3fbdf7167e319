"""The control plane: etcd, API server, controller manager and scheduler, and the lab's own forwarder and keeper."""
from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from elastometer_lab import settings as facts
from elastometer_lab.component import Component
from elastometer_lab.kubeconfig import SERVER_INSIDE, kubeconfig, write_kubeconfig
from elastometer_lab.paths import NETWORK_NAMESPACE, Paths
from elastometer_lab.probes import api_path, http_health, loopback_open
from elastometer_lab.settings import Settings

AUDIT_MEGABYTES = 200
"""Size at which the audit log is rotated; large enough that one test's events stay in one file."""
DECISION_RESOURCES = [
    {"group": "apps", "resources": ["deployments", "deployments/scale", "deployments/status",
                                    "statefulsets", "statefulsets/scale", "replicasets/scale"]},
    {"group": "autoscaling", "resources": ["horizontalpodautoscalers", "horizontalpodautoscalers/status"]},
    {"group": "keda.sh"}, {"group": "elastometer.dev"},
]
"""What autoscaling decisions write: logged with request and response; of everything else only the metadata."""

# Without RequestReceived there is one line per request and not two; what is read again and again stays metadata only.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "RequestResponse", "verbs": ["create", "update", "patch", "delete"],
         "resources": DECISION_RESOURCES},
        {"level": "Metadata"},
    ],
}


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the definitions of components are made from."""

    paths: Paths
    settings: Settings
    kube: Path
    """One binary for etcd and all of Kubernetes, chosen by its first argument: 132 MB instead of 424."""
    masquerade_all: bool = False

    def pki(self, name: str) -> str:
        """The path of a key or certificate, for a command line."""
        return str(self.paths.pki / name)

    def component_kubeconfig(self, user: str) -> Path:
        """The kubeconfig of a component, which is written first, so that none is started without it."""
        path = self.paths.config / f"{user}.kubeconfig"
        write_kubeconfig(path, kubeconfig(SERVER_INSIDE, user, self.paths.pki))
        return path

    def write(self, name: str, content: object) -> Path:
        """Write a configuration file in YAML; one that is unchanged is not touched.

        kube-proxy watches its file and exits when it is written.
        """
        path = self.paths.config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(content, sort_keys=False)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        return path


def etcd(plan: Plan) -> Component:
    """etcd, on loopback and without fsync: the lab is disposable, and other work shares the disk."""
    client = f"http://127.0.0.1:{facts.ETCD_PORT}"
    peer = "http://127.0.0.1:2380"
    return Component("etcd", (
        str(plan.kube), "etcd", "--name=lab", f"--data-dir={plan.paths.state / 'etcd'}", "--unsafe-no-fsync",
        f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=lab={peer}",
        "--log-level=warn", "--quota-backend-bytes=2147483648", "--auto-compaction-retention=10m",
    ), http_health(f"{client}/health"))


def apiserver(plan: Plan) -> Component:
    """The API server, which Pods reach on the bridge. Its audit log is the ground truth for timestamps."""
    # It advertises the bridge's address, because endpoints may not be on loopback; it reaches kubelets by InternalIP,
    # because the node's name does not resolve. Events stay for 6 h instead of 1 h: failed tests are examined later.
    policy = plan.write("audit-policy.yaml", AUDIT_POLICY)
    return Component("kube-apiserver", (
        str(plan.kube), "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{facts.ETCD_PORT}",
        f"--advertise-address={facts.NODE_ADDRESS}", f"--secure-port={facts.API_PORT}",
        f"--service-cluster-ip-range={facts.SERVICE_NETWORK}", "--allow-privileged=true",
        "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--event-ttl=6h",
        "--enable-aggregator-routing=true", "--kubelet-preferred-address-types=InternalIP", "--profiling=false",
        *certificate_flags(plan),
        f"--audit-policy-file={policy}", f"--audit-log-path={plan.paths.log / 'audit.log'}",
        f"--audit-log-maxsize={AUDIT_MEGABYTES}", "--audit-log-maxbackup=3", "--audit-log-format=json", "--v=1",
    ), api_path(plan.paths.pki, "/readyz"), reads=(policy, plan.paths.pki / "apiserver.crt"), recovery_seconds=8.0)


def certificate_flags(plan: Plan) -> tuple[str, ...]:
    """Flags for client certificates, the server's own, and those with which it calls kubelets and aggregated APIs."""
    return (
        f"--client-ca-file={plan.pki('ca.crt')}", f"--tls-cert-file={plan.pki('apiserver.crt')}",
        f"--tls-private-key-file={plan.pki('apiserver.key')}",
        f"--kubelet-client-certificate={plan.pki('apiserver-kubelet-client.crt')}",
        f"--kubelet-client-key={plan.pki('apiserver-kubelet-client.key')}",
        f"--kubelet-certificate-authority={plan.pki('ca.crt')}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={plan.pki('sa.pub')}",
        f"--service-account-signing-key-file={plan.pki('sa.key')}",
        f"--requestheader-client-ca-file={plan.pki('ca.crt')}",
        "--requestheader-allowed-names=front-proxy-client", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group", "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={plan.pki('front-proxy.crt')}",
        f"--proxy-client-key-file={plan.pki('front-proxy.key')}",
    )


def controller_manager(plan: Plan) -> Component:
    """The controller manager; at verbosity 4 its log shows each proposal of the HPA controller.

    There must never be two: the HPA controller's recommendations are in memory, and two would disagree.
    """
    # Without leader election: a restarted controller manager would wait for the lease of the one that was killed.
    config = plan.component_kubeconfig("controller-manager")
    return Component("kube-controller-manager", (
        str(plan.kube), "kube-controller-manager", *kubeconfig_flags(config),
        "--use-service-account-credentials=true", f"--service-account-private-key-file={plan.pki('sa.key')}",
        f"--root-ca-file={plan.pki('ca.crt')}", f"--cluster-signing-cert-file={plan.pki('ca.crt')}",
        f"--cluster-signing-key-file={plan.pki('ca.key')}", "--leader-elect=false", "--bind-address=127.0.0.1",
        f"--horizontal-pod-autoscaler-sync-period={plan.settings.hpa_sync_seconds}s", "--profiling=false", "--v=4",
    ), http_health(f"https://127.0.0.1:{facts.CONTROLLER_MANAGER_PORT}/healthz"), reads=(config,))


def scheduler(plan: Plan) -> Component:
    """The scheduler."""
    config = plan.component_kubeconfig("scheduler")
    return Component("kube-scheduler", (
        str(plan.kube), "kube-scheduler", *kubeconfig_flags(config), "--leader-elect=false",
        "--bind-address=127.0.0.1", "--profiling=false", "--v=1",
    ), http_health(f"https://127.0.0.1:{facts.SCHEDULER_PORT}/healthz"), reads=(config,))


def kubeconfig_flags(config: Path) -> tuple[str, ...]:
    """One identity for its own calls, for authenticating callers and for authorizing them."""
    return (f"--kubeconfig={config}", f"--authentication-kubeconfig={config}", f"--authorization-kubeconfig={config}")


# Both read their own source file, so that a change of code replaces the running process.
def forwarder(plan: Plan) -> Component:
    """Makes the API server reachable on the host's loopback interface; the only component outside the namespaces."""
    return Component("forwarder", (
        sys.executable, "-m", "elastometer_lab.forwarder", f"--port={plan.settings.port}",
        f"--namespace={NETWORK_NAMESPACE}", f"--target-port={facts.API_PORT}",
    ), loopback_open(plan.settings.port), reads=(Path(__file__).with_name("forwarder.py"),), inside=False)


def keeper(plan: Plan) -> Component:
    """Keeps the fake GPUs in the node's status."""
    node = f"/api/v1/nodes/{plan.settings.node}"
    return Component("keeper", (
        sys.executable, "-m", "elastometer_lab.keeper", f"--node={plan.settings.node}",
        f"--gpus={plan.settings.gpus}", f"--port={facts.API_PORT}", f"--pki={plan.paths.pki}",
    ), api_path(plan.paths.pki, node), reads=(Path(__file__).with_name("keeper.py"), plan.paths.pki / "keeper.crt"))
