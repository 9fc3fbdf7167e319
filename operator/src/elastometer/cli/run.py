"""`elastometer run`: one test, from its file to its verdict. The run takes place in the cluster and outlives this."""
from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import orjson
from kubernetes.client.exceptions import ApiException

from elastometer.cli.base import junit, summary
from elastometer.cli.base.exits import CliError, Exit, exit_of_status
from elastometer.cli.base.manifest_file import read_test
from elastometer.cli.base.options import add_cluster_options, add_output_option, positive_seconds
from elastometer.cli.cluster import bundle
from elastometer.cli.cluster.api_errors import in_words, refusal
from elastometer.cli.cluster.cluster import ClusterClient, Json, connect
from elastometer.cli.cluster.follow import FollowLimits, follow, is_finished, next_steps
from elastometer.cli.cluster.progress import with_progress

# Deletion is in the foreground: the test goes after its children, and a server Pod may drain for its grace period.
DELETION_DEADLINE_SECONDS = 120.0
_EXAMPLES = """\
examples:
  elastometer run test.yaml                   # create, follow, fetch into runs/<name>-<time>, print the verdict
  elastometer run test.yaml --junit out.xml   # for CI
  elastometer run demo --attach -n staging    # follow a run that is already in progress

The run takes place in the cluster: Ctrl-C, --timeout and a lost connection end only the command; the run continues.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"{_EXAMPLES}\n{parser.epilog}"
    parser.add_argument("file", metavar="FILE", help="YAML with one ElasticityTest, or -; with --attach also a name")
    add_cluster_options(parser)
    add_output_option(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the bundle goes (default: runs/<name>-<time>)")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="also write the objectives as JUnit XML")
    parser.add_argument("--keep", action="store_true",
                        help="keep the model server and its autoscaler afterwards (cleanupPolicy: Retain)")
    parser.add_argument("--timeout", type=positive_seconds, metavar="SECONDS",
                        help="stop following after this time; the run continues")
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--attach", action="store_true", help="follow the existing test of this name")
    existing.add_argument("--replace", action="store_true", help="delete the test of this name first")


def execute(options: argparse.Namespace) -> Exit:
    """Creates or finds the test, follows it, fetches its bundle and prints how it ended."""
    cluster, name, body = _subject(options)
    with in_words(cluster.host):
        return _run(cluster, name, body, options)


def _run(cluster: ClusterClient, name: str, body: Json | None, options: argparse.Namespace) -> Exit:
    test = _find(cluster, name) if body is None else _create(cluster, body, replace=options.replace)
    print(f"{'following' if body is None else 'created'} {cluster.namespace}/{name}", file=sys.stderr)
    try:
        with with_progress(follow(cluster, test, FollowLimits(options.timeout)), sys.stderr) as versions:
            for version in versions:
                test = version
    except KeyboardInterrupt:
        raise CliError(Exit.NOT_CARRIED_OUT, "interrupted", *next_steps(test)) from None
    return _finish(cluster, test, options)


def _subject(options: argparse.Namespace) -> tuple[ClusterClient, str, Json | None]:
    """The cluster, the test's name, and its manifest unless an existing one is followed."""
    by_name = options.attach and options.file != "-" and not Path(options.file).exists()
    manifest = None if by_name else read_test(options.file)
    metadata = manifest["metadata"] if manifest else {"name": options.file}
    namespace = metadata.get("namespace")
    if options.namespace and namespace and namespace != options.namespace:
        raise CliError(Exit.SPEC_OR_USAGE,
                       f"`metadata.namespace` is '{namespace}', but --namespace is '{options.namespace}'")
    cluster = connect(kubeconfig=options.kubeconfig, context=options.context,
                      namespace=options.namespace or namespace)
    if options.keep and manifest is not None and isinstance(manifest.get("spec"), dict):
        manifest["spec"]["cleanupPolicy"] = "Retain"
    return cluster, metadata["name"], None if options.attach else manifest


def _find(cluster: ClusterClient, name: str) -> Json:
    test = cluster.get(name)
    if test is None:
        raise CliError(Exit.SPEC_OR_USAGE, f"there is no ElasticityTest '{cluster.namespace}/{name}' to follow")
    return test


def _create(cluster: ClusterClient, body: Json, *, replace: bool) -> Json:
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
    # By uid: somebody else may create a test of the same name meanwhile.
    while (found := cluster.get(name)) is not None and found["metadata"]["uid"] == uid:
        if time.monotonic() > deadline:
            raise CliError(Exit.NOT_CARRIED_OUT,
                           f"'{name}' still exists {DELETION_DEADLINE_SECONDS:.0f} s after its deletion; its "
                           f"finalizers are {found['metadata'].get('finalizers') or []}: is the operator running?")
        time.sleep(1)


def _exists(cluster: ClusterClient, name: str) -> CliError:
    found = cluster.get(name)
    finished = found is not None and is_finished(found)
    state = "is finished" if finished else "is still running"
    lines = [f"ElasticityTest '{cluster.namespace}/{name}' already exists and {state}"]
    if not finished:
        lines.append("  --attach   follows it")
    lines += ["  --replace  deletes it and runs this one", "or give the new test another `metadata.name`"]
    if finished:
        lines.append(f"to fetch its bundle: elastometer fetch {name} -n {cluster.namespace} --out DIR")
    return CliError(Exit.SPEC_OR_USAGE, *lines)


def _finish(cluster: ClusterClient, test: Json, options: argparse.Namespace) -> Exit:
    fetched_at = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    out = options.out or Path("runs") / f"{test['metadata']['name']}-{fetched_at}"
    directory: Path | None = None
    try:
        bundle.fetch(cluster, test, out)
        directory = out
    except CliError as error:
        # The verdict is in the status, so a bundle that cannot be fetched changes neither it nor the exit code.
        print("\n".join(error.lines), file=sys.stderr)
    if options.junit is not None:
        junit.write(options.junit, test, directory)
    if options.output == "json":
        print(orjson.dumps(summary.as_json(test, directory), option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join(summary.in_words(test, directory)))
    return exit_of_status(test["status"])
