"""Finds the test or the study of a name: people give names, and a test and a study may have the same one."""
from __future__ import annotations

from kubernetes.client.exceptions import ApiException

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.kinds import EITHER, KINDS, Kind
from elastometer.cli.cluster.api_errors import is_kind_missing
from elastometer.cli.cluster.cluster import ClusterClient, Json


def find(cluster: ClusterClient, name: str, kind: Kind | None) -> tuple[ClusterClient, Json]:
    """The object of this name, with the client of its kind. Raises CliError if there is none, or one of each kind."""
    clients = [cluster.of(one) for one in (KINDS if kind is None else (kind,))]
    found, unknown = [], []
    for client in clients:
        try:
            item = client.get(name)
        except ApiException as error:
            # A cluster with an older version knows tests and no studies.
            if not is_kind_missing(error):
                raise
            unknown.append(error)
            continue
        found += [] if item is None else [(client, item)]
    if len(unknown) == len(clients):
        raise unknown[0]
    return _only(found, cluster, name, kind)


def _only(found: list[tuple[ClusterClient, Json]], cluster: ClusterClient, name: str,
          kind: Kind | None) -> tuple[ClusterClient, Json]:
    named = f"'{cluster.namespace}/{name}'"
    if not found:
        kinds = ",".join(one.short for one in (KINDS if kind is None else (kind,)))
        raise CliError(Exit.SPEC_OR_USAGE, f"there is no {EITHER if kind is None else kind.name} {named}",
                       f"to list what there is: kubectl get {kinds} -n {cluster.namespace}")
    if len(found) > 1:
        raise CliError(Exit.SPEC_OR_USAGE, f"there is a test and a study {named}: --kind must say which",
                       *(f"  --kind {client.kind.noun}" for client, _ in found))
    return found[0]
