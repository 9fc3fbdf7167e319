"""Creates a test or a study, and deletes the one of the same name first where that is asked for."""
from __future__ import annotations

import time
from collections.abc import Callable

from kubernetes.client.exceptions import ApiException

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.kinds import STUDY, TEST
from elastometer.cli.cluster.api_errors import refusal
from elastometer.cli.cluster.cluster import ClusterClient, Json
from elastometer.cli.cluster.follow import is_finished
from elastometer.model.names import STUDY_LABEL

# Deletion is in the foreground: the object goes after its children, and a server Pod may drain for its grace period.
DELETION_DEADLINE_SECONDS = 120.0
DELETION_POLL_SECONDS = 1.0


def create(cluster: ClusterClient, body: Json, *, replace: bool) -> Json:
    """The object as created. With `replace`, an old one of its name, and what belongs to it, is deleted first."""
    name = body["metadata"]["name"]
    if replace and (old := cluster.get(name)) is not None:
        _delete(cluster, old)
    try:
        return cluster.create(body)
    except ApiException as error:
        if error.status == 409:
            raise _exists(cluster, name) from error
        if error.status in (400, 422):
            raise CliError(Exit.SPEC_OR_USAGE, f"the API server refused '{name}':",
                           *(f"  {line}" for line in refusal(error))) from error
        raise


def _delete(cluster: ClusterClient, old: Json) -> None:
    name, uid = old["metadata"]["name"], old["metadata"]["uid"]
    cluster.delete(name, uid)
    deadline = time.monotonic() + DELETION_DEADLINE_SECONDS
    # By uid: somebody else may create an object of the same name meanwhile.
    _gone(name, deadline, lambda: [found] if (found := cluster.get(name)) and found["metadata"]["uid"] == uid else [])
    if cluster.kind is STUDY:
        # A run of the old study that is still draining would be taken for the new one's of the same name.
        runs = cluster.of(TEST)
        _gone(f"the runs of {name}", deadline,
              lambda: [run for run in runs.labelled(f"{STUDY_LABEL}={name}") if _is_owned_by(run, uid)])


def _gone(what: str, deadline: float, left: Callable[[], list[Json]]) -> None:
    """Waits until nothing is left. Raises CliError at the deadline, with what keeps the first of them."""
    while found := left():
        if time.monotonic() > deadline:
            first = found[0]["metadata"]
            raise CliError(Exit.NOT_CARRIED_OUT,
                           f"'{what}' still exists {DELETION_DEADLINE_SECONDS:.0f} s after its deletion; the "
                           f"finalizers of {first['name']} are {first.get('finalizers') or []}: is the "
                           "operator running?")
        time.sleep(DELETION_POLL_SECONDS)


def _is_owned_by(run: Json, uid: str) -> bool:
    return any(owner.get("uid") == uid for owner in run["metadata"].get("ownerReferences") or ())


def _exists(cluster: ClusterClient, name: str) -> CliError:
    found = cluster.get(name)
    finished = found is not None and is_finished(found)
    state = "is finished" if finished else "is still running"
    lines = [f"{cluster.kind.name} '{cluster.namespace}/{name}' already exists and {state}"]
    if not finished:
        lines.append("  --attach   follows it")
    lines += ["  --replace  deletes it and runs this one",
              f"or give the new {cluster.kind.noun} another `metadata.name`"]
    if finished:
        lines.append(f"to fetch its bundle: elastometer fetch {name} -n {cluster.namespace} --out DIR")
    return CliError(Exit.SPEC_OR_USAGE, *lines)
