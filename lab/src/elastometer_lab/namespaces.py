"""The lab's network and mount namespaces, both pinned to files, so that they outlive any process.

The network namespace has the bridge, all Pods and all rules of kube-proxy; the mount namespace has all mounts of
containerd and the kubelet. Nothing in them appears on the host, and each disappears as a whole.
https://man7.org/linux/man-pages/man7/namespaces.7.html
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
"""Of linux/sched.h: the kind of namespace that setns(2) enters."""
SHADOWED = ("/run/containerd", "/var/lib/kubelet", "/var/lib/cni", "/var/log/containers", "/var/log/pods",
            "/var/lib/elastometer-lab/volumes")
"""Paths that are built into the programs; in the mount namespace each is a directory of the lab's state."""


def run(*argv: str) -> str:
    """Run a small system program and return its output; its error output becomes a LabError."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"`{' '.join(argv)}` failed ({done.returncode}): {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


@contextmanager
def inside_network(path: Path = NETWORK_NAMESPACE) -> Iterator[None]:
    """Move the calling thread into the lab's network for a while; sockets opened meanwhile stay there."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as original, path.open("rb") as lab:
        enter(libc, lab.fileno())
        try:
            yield
        finally:
            enter(libc, original.fileno())


def enter(libc: ctypes.CDLL, descriptor: int) -> None:
    """Call setns(2), which Python has as os.setns since 3.12 only."""
    if libc.setns(descriptor, CLONE_NEWNET):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def enter_prefix(paths: Paths) -> tuple[str, ...]:
    """The prefix of a command that runs in both namespaces.

    Not `ip netns exec`, which mounts a new /sys, in which the kubelet finds no cgroups.
    """
    return ("nsenter", f"--net={NETWORK_NAMESPACE}", f"--mount={paths.mount_namespace}", "--")


def enter_network_prefix() -> tuple[str, ...]:
    """The prefix of a command that runs in the lab's network but sees the host's files."""
    return ("nsenter", f"--net={NETWORK_NAMESPACE}", "--")


def is_pinned(path: Path) -> bool:
    """Whether a namespace is pinned here: the pin is a mount of nsfs, and a plain file at the path is not one."""
    return any(line.split()[4] == str(path) for line in Path("/proc/self/mountinfo").read_text().splitlines())


def identity(paths: Paths) -> str:
    """A text that changes when a namespace was made again: what ran in the old one must then be restarted."""
    return f"{NETWORK_NAMESPACE.stat().st_ino} {paths.mount_namespace.stat().st_ino}"


def ensure_network() -> bool:
    """Make the namespace with its bridge and default route; returns whether anything was missing."""
    made = not is_pinned(NETWORK_NAMESPACE)
    if made:
        NETWORK_NAMESPACE.unlink(missing_ok=True)  # a plain file that an interrupted attempt left
        run("ip", "netns", "add", NAME)
    inside = enter_network_prefix()
    # Commands that can be repeated, so that a namespace of which something is missing is completed.
    run(*inside, "ip", "link", "set", "lo", "up")
    if not has_bridge():
        run(*inside, "ip", "link", "add", settings.BRIDGE, "type", "bridge")
        made = True
    run(*inside, "ip", "address", "replace", f"{settings.NODE_ADDRESS}/24", "dev", settings.BRIDGE)
    run(*inside, "ip", "link", "set", settings.BRIDGE, "up")
    # It leads nowhere; but without a route the kernel refuses Service addresses before kube-proxy's rules see them.
    run(*inside, "ip", "route", "replace", "default", "dev", settings.BRIDGE)
    run(*inside, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    return made


def has_bridge() -> bool:
    """Whether the namespace has its bridge."""
    inside = enter_network_prefix()
    return settings.BRIDGE in run(*inside, "ip", "-oneline", "link", "show", "type", "bridge")


def bridge_traffic_is_filtered() -> bool:
    """Make traffic between two Pods on the bridge pass kube-proxy's rules; returns whether that is possible.

    Without the kernel module br_netfilter it is not, and then all Service traffic must be masqueraded.
    """
    switch = "/proc/sys/net/bridge/bridge-nf-call-iptables"
    inside = enter_network_prefix()
    return run(*inside, "sh", "-c", f"test -e {switch} && echo 1 > {switch} && echo yes || echo no").strip() == "yes"


def ensure_mounts(paths: Paths) -> bool:
    """Make and pin the mount namespace; returns whether it was missing.

    With propagation `slave`, mounts of the host still appear in it, and its own never appear on the host.
    """
    if is_pinned(paths.mount_namespace):
        return False
    paths.pin_directory.mkdir(parents=True, exist_ok=True)
    # The pin must be on a private mount: the kernel refuses to bind a mount namespace where it would propagate.
    if not is_pinned(paths.pin_directory):
        run("mount", "--bind", str(paths.pin_directory), str(paths.pin_directory))
    run("mount", "--make-private", str(paths.pin_directory))
    paths.mount_namespace.touch()
    run("unshare", f"--mount={paths.mount_namespace}", "--propagation=slave", "sh", "-c", shadow_script(paths))
    return True


def shadow_script(paths: Paths) -> str:
    """The shell script that runs once, before anything else, in the mount namespace.

    In the end mounts are shared within the namespace, since volumes with Bidirectional propagation need that.
    """
    lines = ["set -e"]
    for place in SHADOWED:
        own = paths.state / "shadow" / place.strip("/").replace("/", "-")
        own.mkdir(parents=True, exist_ok=True)
        ensure_mount_point(paths, Path(place))
        lines.append(f"mount --bind '{own}' '{place}'")
    return "\n".join([*lines, "mount --make-rshared /"])


def ensure_mount_point(paths: Paths, place: Path) -> None:
    """Make a directory to mount on, which must exist on the host; those made here are recorded for `down` to remove."""
    missing = [str(folder) for folder in (place, *place.parents) if not folder.exists()]
    place.mkdir(parents=True, exist_ok=True)
    with (paths.state / "made-directories").open("a") as note:
        note.writelines(f"{folder}\n" for folder in missing)


def remove(paths: Paths) -> None:
    """Unpin both; once no process is left in them, the kernel removes everything they contain."""
    # In a loop, since a pin that was mounted twice hides another; lazily, since a process may still be ending.
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
