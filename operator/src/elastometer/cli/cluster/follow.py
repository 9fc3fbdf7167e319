"""Follows one test or study until it is over, across lost connections and watches that end."""
from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import urllib3
from kubernetes.client.exceptions import ApiException

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.kinds import TEST, Kind
from elastometer.cli.cluster.api_errors import is_transient
from elastometer.cli.cluster.cluster import ClusterClient, Json

# Short, because deadlines are only checked between two watches.
WATCH_SECONDS = 10
# A running operator takes up a test at once; one that is being rescheduled needs some time.
OPERATOR_DEADLINE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class FollowLimits:
    """How long to follow. `overall_seconds` None means to the end; `now` is a monotonic clock in seconds."""

    overall_seconds: float | None = None
    operator_seconds: float = OPERATOR_DEADLINE_SECONDS
    now: Callable[[], float] = time.monotonic


def is_finished(followed: Json) -> bool:
    """Whether it is over, successful or not, and everything about it has been written."""
    return bool((followed.get("status") or {}).get("completionTime"))


def is_taken_up(followed: Json) -> bool:
    """Whether an operator has written a condition into the status."""
    return bool((followed.get("status") or {}).get("conditions"))


def follow(cluster: ClusterClient, followed: Json, limits: FollowLimits) -> Iterator[Json]:
    """Every version of the test or study from the given one on; the last is the finished one."""
    started = limits.now()
    for version in _versions(cluster, followed):
        yield version
        if is_finished(version):
            return
        waited = limits.now() - started
        if not is_taken_up(version) and waited > limits.operator_seconds:
            raise _no_operator(waited, cluster.kind)
        if limits.overall_seconds is not None and waited > limits.overall_seconds:
            raise CliError(Exit.NOT_CARRIED_OUT, f"not finished within --timeout {limits.overall_seconds:g} s",
                           *next_steps(version, cluster.kind))


def next_steps(followed: Json, kind: Kind) -> tuple[str, ...]:
    """How to follow or end what continues without this command."""
    name, namespace = followed["metadata"]["name"], followed["metadata"]["namespace"]
    return (
        f"the {'run' if kind is TEST else kind.noun} continues in the cluster",
        f"  follow it again:  elastometer run {name} -n {namespace} --attach",
        f"  end it:           kubectl delete {kind.short} {name} -n {namespace}",
    )


def _versions(cluster: ClusterClient, followed: Json) -> Iterator[Json]:
    """The object repeatedly: as watched, and as read after each watch, so that `follow` can check its deadlines."""
    uid, current = followed["metadata"]["uid"], followed
    while True:
        yield current
        yield from _watched(cluster, current)
        name = followed["metadata"]["name"]
        found = cluster.get(name)
        if found is None or found["metadata"]["uid"] != uid:
            raise CliError(Exit.NOT_CARRIED_OUT, f"{cluster.kind.name} '{cluster.namespace}/{name}' was deleted")
        current = found


def _watched(cluster: ClusterClient, followed: Json) -> Iterator[Json]:
    """One watch. However it ends, the caller reads the object again afterwards."""
    metadata = followed["metadata"]
    try:
        for later in cluster.changes(metadata["name"], metadata["resourceVersion"], WATCH_SECONDS):
            if later["metadata"]["uid"] != metadata["uid"]:
                return
            yield later
    except ApiException as error:
        # 410: the resource version has expired; the next watch starts from a fresh read.
        if not is_transient(error) and error.status != 410:
            raise
    except (urllib3.exceptions.HTTPError, OSError):
        return


def _no_operator(waited: float, kind: Kind) -> CliError:
    return CliError(
        Exit.NOT_CARRIED_OUT, f"no operator has taken up the {kind.noun} within {waited:.0f} s",
        "is it installed, running, and watching this namespace?",
        "  helm install elastometer charts/elastometer -n elastometer --create-namespace",
        "  kubectl get pods -A -l app.kubernetes.io/component=operator,app.kubernetes.io/name=elastometer",
        f"the {kind.noun} stays in the cluster and will run once an operator is running",
    )
