"""The lab's certificate authority and every certificate under it, made with the openssl program.

Keys are on the P-256 curve: made in milliseconds. All of it is thrown away with the lab.
"""
from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import orjson

from elastometer_lab import settings
from elastometer_lab.namespaces import run

DAYS = "3650"
ADMIN_GROUP = "system:masters"
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True, slots=True)
class Certificate:
    """A leaf: who it speaks for, and for a server the names it may be called by."""

    name: str
    user: str
    group: str = ""
    names: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        return (f"/O={self.group}" if self.group else "") + f"/CN={self.user}"


API_NAMES = (
    "DNS:kubernetes", "DNS:kubernetes.default", "DNS:kubernetes.default.svc",
    "DNS:kubernetes.default.svc.cluster.local", "DNS:localhost", "IP:127.0.0.1",
    f"IP:{settings.NODE_ADDRESS}", f"IP:{settings.API_SERVICE_ADDRESS}",
)


def certificates(node: str) -> tuple[Certificate, ...]:
    """Every leaf of a lab whose node has this name."""
    return (
        Certificate("apiserver", "kube-apiserver", names=API_NAMES),
        Certificate("apiserver-kubelet-client", "kube-apiserver-kubelet-client", ADMIN_GROUP),
        Certificate("front-proxy", "front-proxy-client"),
        Certificate("admin", "admin", ADMIN_GROUP),
        Certificate("keeper", "elastometer-lab-keeper", ADMIN_GROUP),
        Certificate("controller-manager", "system:kube-controller-manager"),
        Certificate("scheduler", "system:kube-scheduler"),
        Certificate("proxy", "system:kube-proxy"),
        Certificate("kubelet", f"system:node:{node}", "system:nodes",
                    (f"DNS:{node}", f"IP:{settings.NODE_ADDRESS}", "IP:127.0.0.1")),
        Certificate("keda", "keda-operator", names=(
            *(f"DNS:{service}.keda.svc{end}" for end in ("", ".cluster.local")
              for service in ("keda-operator", "keda-operator-metrics-apiserver", "keda-admission-webhooks")),
            *(f"DNS:{service}.keda"
              for service in ("keda-operator", "keda-operator-metrics-apiserver", "keda-admission-webhooks")))),
    )


def extensions(certificate: Certificate) -> str:
    """openssl configuration for one leaf: serves and calls, signs nothing."""
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
    """Makes all of them unless they are there for the same facts; whether anything was made."""
    facts = orjson.dumps([[c.name, c.subject, c.names] for c in certificates(node)])
    marker = pki / "facts.json"
    if marker.exists() and marker.read_bytes() == facts:
        return False
    pki.mkdir(parents=True, exist_ok=True)
    before = os.umask(0o077)
    try:
        make_authority(pki)
        make_account_keys(pki)
        for certificate in certificates(node):
            make_leaf(pki, certificate)
    finally:
        os.umask(before)
    marker.write_bytes(facts)
    return True


def make_authority(pki: Path) -> None:
    configuration = pki / "ca.cnf"
    configuration.write_text(AUTHORITY_EXTENSIONS)
    run("openssl", "req", "-x509", *CURVE, "-config", str(configuration), "-subj", "/CN=elastometer-lab",
        "-days", DAYS, "-keyout", str(pki / "ca.key"), "-out", str(pki / "ca.crt"))


def make_account_keys(pki: Path) -> None:
    """The pair that signs and checks tokens of service accounts."""
    run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-out", str(pki / "sa.key"))
    run("openssl", "pkey", "-in", str(pki / "sa.key"), "-pubout", "-out", str(pki / "sa.pub"))


def make_leaf(pki: Path, certificate: Certificate) -> None:
    configuration = pki / f"{certificate.name}.cnf"
    configuration.write_text(extensions(certificate))
    run("openssl", "req", "-x509", *CURVE, "-config", str(configuration), "-subj", certificate.subject,
        "-days", DAYS, "-CA", str(pki / "ca.crt"), "-CAkey", str(pki / "ca.key"),
        "-keyout", str(pki / f"{certificate.name}.key"), "-out", str(pki / f"{certificate.name}.crt"))
