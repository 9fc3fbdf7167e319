"""`elastometer run`: one test, or one study, from its file to its verdict. It takes place in the cluster and outlives
this."""
from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

import orjson

from elastometer.cli.base import junit, summary
from elastometer.cli.base.exits import CliError, Exit, exit_of_status
from elastometer.cli.base.kinds import STUDY, TEST, Kind, kind_of
from elastometer.cli.base.manifest_file import Manifest, read_manifest
from elastometer.cli.base.options import add_cluster_options, add_kind_option, add_output_option, positive_seconds
from elastometer.cli.cluster.api_errors import in_words
from elastometer.cli.cluster.cluster import ClusterClient, Json, connect
from elastometer.cli.cluster.create import create
from elastometer.cli.cluster.fetch import fetch
from elastometer.cli.cluster.find import find
from elastometer.cli.cluster.follow import FollowLimits, follow, next_steps
from elastometer.cli.cluster.progress import TEST_VIEW, with_progress
from elastometer.cli.cluster.study_progress import STUDY_VIEW
from elastometer.cli.cluster.study_seen import study_versions
from elastometer.cli.studies.text import print_comparison
from elastometer.model.comparison import Comparison

_EXAMPLES = """\
examples:
  elastometer run test.yaml                   # create, follow, fetch into runs/<name>-<time>, print the verdict
  elastometer run study.yaml                  # an ElasticityStudy: all its runs, then the comparison
  elastometer run test.yaml --junit out.xml   # for CI
  elastometer run demo --attach -n staging    # follow a test or a study that is already in progress

A study shows each of its runs, how it ended, and the medians of every variant so far; its bundle has the bundle of each
run, which `elastometer compare` and `elastometer judge` read again.

The run takes place in the cluster: Ctrl-C, --timeout and a lost connection end only the command; the run continues.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"{_EXAMPLES}\n{parser.epilog}"
    parser.add_argument("file", metavar="FILE",
                        help="YAML with one ElasticityTest or ElasticityStudy, or -; with --attach also a name")
    add_cluster_options(parser)
    add_output_option(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the bundle goes (default: runs/<name>-<time>)")
    parser.add_argument("--junit", type=Path, metavar="FILE",
                        help="also write the objectives, or the gates of a study, as JUnit XML")
    parser.add_argument("--keep", action="store_true",
                        help="keep the model server and its autoscaler afterwards (cleanupPolicy: Retain)")
    parser.add_argument("--timeout", type=positive_seconds, metavar="SECONDS",
                        help="stop following after this time; the run continues")
    add_kind_option(parser, "with --attach")
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--attach", action="store_true", help="follow the existing test or study of this name")
    existing.add_argument("--replace", action="store_true",
                          help="delete the test of this name first, or the study with its runs, and wait for that")


def execute(options: argparse.Namespace) -> Exit:
    """Creates or finds the test or study, follows it, fetches its bundle and prints how it ended."""
    manifest = _manifest(options)
    kind = options.kind if manifest is None else kind_of(manifest)
    name = options.file if manifest is None else manifest["metadata"]["name"]
    cluster = _cluster(options, manifest).of(kind or TEST)
    with in_words(cluster.host, cluster.kind):
        if manifest is None or options.attach:
            cluster, followed = find(cluster, name, kind)
        else:
            followed = create(cluster, manifest, replace=options.replace)
        print(f"{'following' if options.attach else 'created'} {cluster.namespace}/{name}", file=sys.stderr)
        return _finish(cluster, _followed(cluster, followed, options), options)


def _manifest(options: argparse.Namespace) -> Manifest | None:
    """The manifest in the file; None where an existing object is named."""
    if options.attach and options.file != "-" and not Path(options.file).exists():
        return None
    manifest = read_manifest(options.file)
    kind = kind_of(manifest)
    if options.kind not in (None, kind):
        raise CliError(Exit.SPEC_OR_USAGE,
                       f"--kind: must be that of {options.file}, {kind.noun}, is {options.kind.noun}")
    if options.keep:
        _keep(manifest, kind)
    return manifest


def _keep(manifest: Manifest, kind: Kind) -> None:
    if kind is STUDY:
        raise CliError(Exit.SPEC_OR_USAGE, "--keep: must not be given for a study, whose next run needs the GPUs of "
                       "the last; to keep all servers, set spec.template.cleanupPolicy to Retain")
    if isinstance(manifest.get("spec"), dict):
        manifest["spec"]["cleanupPolicy"] = "Retain"


def _cluster(options: argparse.Namespace, manifest: Manifest | None) -> ClusterClient:
    namespace = manifest["metadata"].get("namespace") if manifest else None
    if options.namespace and namespace and namespace != options.namespace:
        raise CliError(Exit.SPEC_OR_USAGE,
                       f"`metadata.namespace` is '{namespace}', but --namespace is '{options.namespace}'")
    return connect(kubeconfig=options.kubeconfig, context=options.context, namespace=options.namespace or namespace)


def _followed(cluster: ClusterClient, first: Json, options: argparse.Namespace) -> Json:
    """The object at its end, after it was shown all the way."""
    last, versions = first, follow(cluster, first, FollowLimits(options.timeout))
    try:
        if cluster.kind is STUDY:
            with with_progress(study_versions(cluster, versions), sys.stderr, STUDY_VIEW) as shown:
                for seen in shown:
                    last = seen.study
        else:
            with with_progress(versions, sys.stderr, TEST_VIEW) as passing:
                for version in passing:
                    last = version
    except KeyboardInterrupt:
        raise CliError(Exit.NOT_CARRIED_OUT, "interrupted", *next_steps(last, cluster.kind)) from None
    return last


def _finish(cluster: ClusterClient, ended: Json, options: argparse.Namespace) -> Exit:
    fetched_at = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    out = options.out or Path("runs") / f"{ended['metadata']['name']}-{fetched_at}"
    directory, comparison = None, None
    try:
        comparison = fetch(cluster, ended, out).comparison
        directory = out
    except CliError as error:
        # The verdict is in the status, so a bundle that cannot be fetched changes neither it nor the exit code.
        print("\n".join(error.lines), file=sys.stderr)
    if options.junit is not None:
        junit.write(options.junit, ended, directory)
    if options.output == "json":
        print(orjson.dumps(summary.as_json(ended, directory), option=orjson.OPT_INDENT_2).decode())
    else:
        if comparison is not None:
            print_comparison(comparison, sys.stdout)
            _say_if_other(comparison, ended)
        print("\n".join(summary.in_words(ended, directory)))
    return exit_of_status(ended["status"])


def _say_if_other(comparison: Comparison, ended: Json) -> None:
    """The operator may be of another version, which compares otherwise; the exit code is its verdict."""
    verdict = ended["status"].get("verdict")
    if verdict not in (None, comparison.verdict):
        print(f"note: the operator's verdict is {verdict}, of its own comparison: is it of another version?")
