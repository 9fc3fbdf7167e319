"""Following one test until it is over, through lost connections and watches that end."""
from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import urllib3
from kubernetes.client.exceptions import ApiException

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.cluster.api_errors import is_transient
from elastometer.cli.cluster.cluster import Cluster, Json

WATCH_SECONDS = 10
OPERATOR_DEADLINE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to follow. `overall_seconds` None means to the end; clocks are monotonic seconds."""

    overall_seconds: float | None = None
    operator_seconds: float = OPERATOR_DEADLINE_SECONDS
    now: Callable[[], float] = time.monotonic


def is_finished(test: Json) -> bool:
    """Whether the run is over, well or not, and everything about it is written."""
    return bool((test.get("status") or {}).get("completionTime"))


def is_taken_up(test: Json) -> bool:
    """Whether an operator has said anything about the test."""
    return bool((test.get("status") or {}).get("conditions"))


def follow(cluster: Cluster, test: Json, patience: Patience) -> Iterator[Json]:
    """Every version of the test from the given one on; the last is the finished one."""
    started = patience.now()
    for version in _versions(cluster, test):
        yield version
        if is_finished(version):
            return
        waited = patience.now() - started
        if not is_taken_up(version) and waited > patience.operator_seconds:
            raise _no_operator(waited)
        if patience.overall_seconds is not None and waited > patience.overall_seconds:
            raise CliError(Exit.NOT_CARRIED_OUT, f"not finished within --timeout {patience.overall_seconds:g} s",
                           *how_to_go_on(version))


def how_to_go_on(test: Json) -> tuple[str, ...]:
    """What a person can do about a run that goes on by itself."""
    name, namespace = test["metadata"]["name"], test["metadata"]["namespace"]
    return (
        "the run goes on in the cluster",
        f"  follow it again:  elastometer run {name} -n {namespace} --attach",
        f"  end it:           kubectl delete etest {name} -n {namespace}",
    )


def _versions(cluster: Cluster, test: Json) -> Iterator[Json]:
    """The test again and again: as watched, and as read after each watch, so that time passes for the reader."""
    uid, current = test["metadata"]["uid"], test
    while True:
        yield current
        yield from _watched(cluster, current)
        name = test["metadata"]["name"]
        found = cluster.get(name)
        if found is None or found["metadata"]["uid"] != uid:
            raise CliError(Exit.NOT_CARRIED_OUT, f"ElasticityTest '{cluster.namespace}/{name}' was deleted")
        current = found


def _watched(cluster: Cluster, test: Json) -> Iterator[Json]:
    """One watch; whatever ends it, the reader looks afresh afterwards."""
    metadata = test["metadata"]
    try:
        for later in cluster.changes(metadata["name"], metadata["resourceVersion"], WATCH_SECONDS):
            if later["metadata"]["uid"] != metadata["uid"]:
                return
            yield later
    except ApiException as error:
        if not is_transient(error) and error.status != 410:
            raise
    except (urllib3.exceptions.HTTPError, OSError):
        return


def _no_operator(waited: float) -> CliError:
    return CliError(
        Exit.NOT_CARRIED_OUT, f"no operator has taken up the test within {waited:.0f} s",
        "is it installed, running, and watching this namespace?",
        "  helm install elastometer charts/elastometer -n elastometer --create-namespace",
        "  kubectl get pods -A -l app.kubernetes.io/component=operator,app.kubernetes.io/name=elastometer",
        "the test stays, and runs once an operator is there",
    )
