"""The lab's network and mount namespaces: both pinned to files, so that they outlive any process.

In the network namespace are the bridge, every pod and every rule of kube-proxy; in the mount namespace is every
mount of containerd and the kubelet. Nothing of either appears on the host, and both vanish as a whole.
"""
from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from elastometer_lab import settings
from elastometer_lab.errors import LabError
from elastometer_lab.paths import NAME, NETWORK_NAMESPACE, Paths

CLONE_NEWNET = 0x40000000
SHADOWED = ("/run/containerd", "/var/lib/kubelet", "/var/lib/cni", "/var/log/containers", "/var/log/pods",
            "/var/lib/elastometer-lab/volumes")
"""Directories that the programs have built in; inside the lab each is a directory of the lab's own."""


def run(*argv: str) -> str:
    """Runs a small system program; its complaint becomes the lab's."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"`{' '.join(argv)}` failed ({done.returncode}): {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


@contextmanager
def inside_network(path: Path = NETWORK_NAMESPACE) -> Iterator[None]:
    """Moves the calling thread into the lab's network; sockets opened meanwhile stay there."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as home, path.open("rb") as away:
        enter(libc, away.fileno())
        try:
            yield
        finally:
            enter(libc, home.fileno())


def enter(libc: ctypes.CDLL, descriptor: int) -> None:
    """setns(2), which Python has only since 3.12."""
    if libc.setns(descriptor, CLONE_NEWNET):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def entering(paths: Paths) -> tuple[str, ...]:
    """Prefix of a command that runs inside. Not `ip netns exec`: that remounts /sys and hides the cgroups."""
    return ("nsenter", f"--net={NETWORK_NAMESPACE}", f"--mount={paths.mount_namespace}", "--")


def entering_network() -> tuple[str, ...]:
    """Prefix of a command that shares the lab's network but sees the host's files."""
    return ("nsenter", f"--net={NETWORK_NAMESPACE}", "--")


def is_pinned(path: Path) -> bool:
    """A pin is a mount of nsfs; the plain file below it is not."""
    return any(line.split()[4] == str(path) for line in Path("/proc/self/mountinfo").read_text().splitlines())


def identity(paths: Paths) -> str:
    """Changes when a namespace was made anew: what ran in the old one must be started again."""
    return f"{NETWORK_NAMESPACE.stat().st_ino} {paths.mount_namespace.stat().st_ino}"


def ensure_network() -> bool:
    """Makes the namespace with its bridge and default route; whether anything had to be made."""
    made = not is_pinned(NETWORK_NAMESPACE)
    if made:
        NETWORK_NAMESPACE.unlink(missing_ok=True)
        run("ip", "netns", "add", NAME)
    inside = entering_network()
    run(*inside, "ip", "link", "set", "lo", "up")
    if not has_bridge():
        run(*inside, "ip", "link", "add", settings.BRIDGE, "type", "bridge")
        made = True
    run(*inside, "ip", "address", "replace", f"{settings.NODE_ADDRESS}/24", "dev", settings.BRIDGE)
    run(*inside, "ip", "link", "set", settings.BRIDGE, "up")
    run(*inside, "ip", "route", "replace", "default", "dev", settings.BRIDGE)
    run(*inside, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    return made


def has_bridge() -> bool:
    inside = entering_network()
    return settings.BRIDGE in run(*inside, "ip", "-oneline", "link", "show", "type", "bridge")


def bridge_traffic_is_filtered() -> bool:
    """Whether frames between two pods pass the rules of kube-proxy; else every Service must be masqueraded."""
    switch = "/proc/sys/net/bridge/bridge-nf-call-iptables"
    inside = entering_network()
    return run(*inside, "sh", "-c", f"test -e {switch} && echo 1 > {switch} && echo yes || echo no").strip() == "yes"


def ensure_mounts(paths: Paths) -> bool:
    """Makes and pins the mount namespace; mounts of the host still reach it, its own never leave it."""
    if is_pinned(paths.mount_namespace):
        return False
    paths.pin_directory.mkdir(parents=True, exist_ok=True)
    if not is_pinned(paths.pin_directory):
        run("mount", "--bind", str(paths.pin_directory), str(paths.pin_directory))
    run("mount", "--make-private", str(paths.pin_directory))
    paths.mount_namespace.touch()
    run("unshare", f"--mount={paths.mount_namespace}", "--propagation=slave", "sh", "-c", shadowing(paths))
    return True


def shadowing(paths: Paths) -> str:
    """Shell text that runs once, as the first thing inside the mount namespace."""
    lines = ["set -e"]
    for place in SHADOWED:
        own = paths.state / "shadow" / place.strip("/").replace("/", "-")
        own.mkdir(parents=True, exist_ok=True)
        ensure_mount_point(paths, Path(place))
        lines.append(f"mount --bind '{own}' '{place}'")
    return "\n".join([*lines, "mount --make-rshared /"])


def ensure_mount_point(paths: Paths, place: Path) -> None:
    """A bind needs its place on the host; those made here are noted, so that `down` takes them away."""
    missing = [str(folder) for folder in (place, *place.parents) if not folder.exists()]
    place.mkdir(parents=True, exist_ok=True)
    with (paths.state / "made-directories").open("a") as note:
        note.writelines(f"{folder}\n" for folder in missing)


def remove(paths: Paths) -> None:
    """Unpins both; with no process left inside, the kernel drops all they held."""
    for path in (paths.mount_namespace, paths.pin_directory):
        while is_pinned(path):
            run("umount", "--lazy", str(path))
    if is_pinned(NETWORK_NAMESPACE) or NETWORK_NAMESPACE.exists():
        run("ip", "netns", "delete", NAME)
    note = paths.state / "made-directories"
    for folder in note.read_text().splitlines() if note.exists() else ():
        try:
            Path(folder).rmdir()
        except OSError:  # another program uses it by now, or it is gone
            continue
