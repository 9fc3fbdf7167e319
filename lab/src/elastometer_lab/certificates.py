"""The lab's certificate authority and all certificates it issues, made with the openssl program.

Keys are on the P-256 curve, because those are made in milliseconds. All of it is removed with the lab.
"""
from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import orjson

from elastometer_lab import settings
from elastometer_lab.namespaces import run

DAYS = "3650"
"""Ten years: nothing renews them, and no lab lives that long."""
ADMIN_GROUP = "system:masters"
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate: the user and group it stands for, and for a server the names it may be reached by."""

    name: str
    user: str
    group: str = ""
    names: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """The subject in openssl's form; Kubernetes reads O as the group and CN as the user."""
        return (f"/O={self.group}" if self.group else "") + f"/CN={self.user}"


API_NAMES = (
    "DNS:kubernetes", "DNS:kubernetes.default", "DNS:kubernetes.default.svc",
    "DNS:kubernetes.default.svc.cluster.local", "DNS:localhost", "IP:127.0.0.1",
    f"IP:{settings.NODE_ADDRESS}", f"IP:{settings.API_SERVICE_ADDRESS}",
)


def certificates(node: str) -> tuple[Certificate, ...]:
    """Every certificate of a lab whose node has this name."""
    return (
        Certificate("apiserver", "kube-apiserver", names=API_NAMES),
        Certificate("apiserver-kubelet-client", "kube-apiserver-kubelet-client", ADMIN_GROUP),
        Certificate("front-proxy", "front-proxy-client"),
        Certificate("admin", "admin", ADMIN_GROUP),
        # An identity of its own, so that the audit log shows which writes to the node are the keeper's.
        Certificate("keeper", "elastometer-lab-keeper", ADMIN_GROUP),
        Certificate("controller-manager", "system:kube-controller-manager"),
        Certificate("scheduler", "system:kube-scheduler"),
        Certificate("proxy", "system:kube-proxy"),
        Certificate("kubelet", f"system:node:{node}", "system:nodes",
                    (f"DNS:{node}", f"IP:{settings.NODE_ADDRESS}", "IP:127.0.0.1")),
        # KEDA's operator, metrics API and webhooks share one Secret, so one certificate has the names of all three.
        Certificate("keda", "keda-operator", names=(
            *(f"DNS:{service}.keda.svc{end}" for end in ("", ".cluster.local")
              for service in ("keda-operator", "keda-operator-metrics-apiserver", "keda-admission-webhooks")),
            *(f"DNS:{service}.keda"
              for service in ("keda-operator", "keda-operator-metrics-apiserver", "keda-admission-webhooks")))),
    )


def extensions(certificate: Certificate) -> str:
    """The openssl configuration for one certificate: valid for servers and clients, and not for signing."""
    lines = ["[req]", "distinguished_name = dn", "x509_extensions = leaf", "[dn]", "[leaf]",
             "basicConstraints = critical, CA:FALSE", "keyUsage = critical, digitalSignature",
             "extendedKeyUsage = serverAuth, clientAuth"]
    if certificate.names:
        lines.append("subjectAltName = " + ", ".join(certificate.names))
    return "\n".join(lines) + "\n"


AUTHORITY_EXTENSIONS = """[req]
distinguished_name = dn
x509_extensions = authority
[dn]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, digitalSignature, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""


def ensure_certificates(pki: Path, node: str) -> bool:
    """Make all certificates, unless they exist for the same names; returns whether any were made."""
    facts = orjson.dumps([[c.name, c.subject, c.names] for c in certificates(node)])
    marker = pki / "facts.json"
    if marker.exists() and marker.read_bytes() == facts:
        return False
    pki.mkdir(parents=True, exist_ok=True)
    before = os.umask(0o077)  # keys must be readable by their owner only, from the moment they exist
    try:
        make_authority(pki)
        make_account_keys(pki)
        for certificate in certificates(node):
            make_leaf(pki, certificate)
    finally:
        os.umask(before)
    # Written last: after an interruption everything is made again.
    marker.write_bytes(facts)
    return True


def make_authority(pki: Path) -> None:
    """The certificate authority, signed by itself."""
    configuration = pki / "ca.cnf"
    configuration.write_text(AUTHORITY_EXTENSIONS)
    run("openssl", "req", "-x509", *CURVE, "-config", str(configuration), "-subj", "/CN=elastometer-lab",
        "-days", DAYS, "-keyout", str(pki / "ca.key"), "-out", str(pki / "ca.crt"))


def make_account_keys(pki: Path) -> None:
    """The key pair that signs and verifies tokens of service accounts."""
    run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-out", str(pki / "sa.key"))
    run("openssl", "pkey", "-in", str(pki / "sa.key"), "-pubout", "-out", str(pki / "sa.pub"))


def make_leaf(pki: Path, certificate: Certificate) -> None:
    """One certificate and its key, signed by the authority."""
    configuration = pki / f"{certificate.name}.cnf"
    configuration.write_text(extensions(certificate))
    run("openssl", "req", "-x509", *CURVE, "-config", str(configuration), "-subj", certificate.subject,
        "-days", DAYS, "-CA", str(pki / "ca.crt"), "-CAkey", str(pki / "ca.key"),
        "-keyout", str(pki / f"{certificate.name}.key"), "-out", str(pki / f"{certificate.name}.crt"))
