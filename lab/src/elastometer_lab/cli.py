"""The lab's command line: `up`, `down`, `status`, `images`, `kubeconfig` and `exec`."""
from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from elastometer_lab import cgroups, images, namespaces
from elastometer_lab.bringup import BringUp
from elastometer_lab.errors import LabError
from elastometer_lab.paths import Paths
from elastometer_lab.progress import Progress
from elastometer_lab.status import Health, describe, inspect
from elastometer_lab.teardown import TearDown

DESCRIPTION = """Runs a real Kubernetes on this host, without Docker: the upstream programs, in their own network and
mount namespaces. It does not touch the host's network, mounts or rules, and `down` leaves nothing behind."""
EPILOG = """examples:
  sudo python -m elastometer_lab up                        bring it up, or repair what is broken
  export KUBECONFIG=$(python -m elastometer_lab kubeconfig)
  python -m elastometer_lab up --gpus 8 --hpa-sync-seconds 2
  python -m elastometer_lab images                         after a code change: rebuild and import what changed
  python -m elastometer_lab exec -- curl -sk https://10.96.0.1/version
  python -m elastometer_lab down

environment:
  ELASTOMETER_LAB_STATE   removed by `down`        (/var/lib/elastometer-lab)
  ELASTOMETER_LAB_CACHE   binaries and images      (/var/cache/elastometer-lab)"""


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    top = argparse.ArgumentParser(prog="python -m elastometer_lab", description=DESCRIPTION, epilog=EPILOG,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_up(commands)
    down = commands.add_parser("down", help="end the lab; only the cache is left")
    down.add_argument("--purge", action="store_true", help="remove the cache too; the next `up` builds all of it")
    status = commands.add_parser(
        "status", help="show what runs and what is wrong; exit code 0 healthy, 1 not, 3 absent")
    status.add_argument("--output", choices=("table", "json"), default="table",
                        help="table for people (default), json for programs")
    commands.add_parser("images", help="rebuild the images from the sources and import those that changed")
    commands.add_parser("kubeconfig", help="print the path of the kubeconfig")
    inside = commands.add_parser("exec", help="run a command in the lab's network, where Pods and Services answer")
    inside.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND …")
    return top


def add_up(commands: Any) -> None:
    """Add `up`. Its options have no defaults here: those that are not given keep the running lab's values."""
    up = commands.add_parser("up", help="bring the lab up, or repair it", description=(
        "Brings the lab up. Safe to run at any time: what is healthy stays as it is, everything else is restarted. "
        "Options that are not given keep the running lab's values."))
    up.add_argument("--gpus", type=int, metavar="N", help="number of fake nvidia.com/gpu on the node (4)")
    up.add_argument("--hpa-sync-seconds", type=int, metavar="S", help="sync period of the HPA controller (15)")
    up.add_argument("--with-keda", "--keda", dest="keda", action="store_true", default=None,
                    help="install KEDA too (takes minutes to build the first time); it stays until `down`")
    up.add_argument("--name", dest="node", metavar="NODE", help="name of the one node (node)")
    up.add_argument("--port", type=int, help="port of the API server on the host's loopback (16443)")


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of the command; a LabError becomes its message and 1."""
    options = parser().parse_args(argv)
    try:
        return COMMANDS[options.command](options, Paths.from_environment())
    except LabError as error:
        print(f"elastometer-lab: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # as in `status | head`
        # The interpreter flushes standard output once more at its end, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("elastometer-lab: interrupted; run the command again to continue", file=sys.stderr)
        return 130


def up(options: argparse.Namespace, paths: Paths) -> int:
    """Bring the lab up or repair it."""
    progress = Progress()
    chosen = {name: getattr(options, name) for name in ("gpus", "hpa_sync_seconds", "keda", "node", "port")}
    BringUp(paths, progress, chosen).run()
    progress.say(f"the lab is up after {progress.elapsed_seconds:.1f} s")
    print(f"export KUBECONFIG={paths.kubeconfig}")
    return 0


def down(options: argparse.Namespace, paths: Paths) -> int:
    """End the lab."""
    progress = Progress()
    TearDown(paths, progress, options.purge).run()
    progress.say(f"the lab is gone after {progress.elapsed_seconds:.1f} s")
    return 0


def status(options: argparse.Namespace, paths: Paths) -> int:
    """Show what runs; the exit code is the lab's health."""
    seen = inspect(paths)
    print(describe(seen, options.output))
    return {Health.HEALTHY: 0, Health.UNHEALTHY: 1, Health.ABSENT: 3}[seen.health]


def kubeconfig(_: argparse.Namespace, paths: Paths) -> int:
    """Print the path of the kubeconfig."""
    if not paths.kubeconfig.exists():
        raise LabError(f"there is no lab with its state in {paths.state}: run `up` first")
    print(paths.kubeconfig)
    return 0


def rebuild(_: argparse.Namespace, paths: Paths) -> int:
    """Rebuild the images and import those that changed."""
    images.refresh(paths, Progress())
    return 0


def execute(options: argparse.Namespace, paths: Paths) -> int:
    """Become the command, in the lab's cgroup, so that `down` ends it too."""
    argv = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
    if not argv:
        raise LabError("give a command: `exec -- kubectl get nodes`")
    if not namespaces.is_pinned(paths.mount_namespace):
        raise LabError("the lab is not up: run `up` first")
    cgroups.prepare().write_text(str(os.getpid()))
    os.environ["KUBECONFIG"] = str(paths.config / "inside.kubeconfig")
    prefix = namespaces.enter_network_prefix()
    os.execvp(prefix[0], [*prefix, *argv])


COMMANDS = {"up": up, "down": down, "status": status, "images": rebuild, "kubeconfig": kubeconfig, "exec": execute}
