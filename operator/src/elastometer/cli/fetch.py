"""`elastometer fetch`: copies the bundle of a test or a study from the cluster to a local directory."""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

import orjson

from elastometer.cli.base.exits import Exit
from elastometer.cli.base.kinds import STUDY
from elastometer.cli.base.options import add_cluster_options, add_kind_option, add_output_option
from elastometer.cli.cluster.api_errors import in_words
from elastometer.cli.cluster.cluster import connect
from elastometer.cli.cluster.fetch import fetch
from elastometer.cli.cluster.find import find
from elastometer.cli.cluster.follow import is_finished
from elastometer.model.bundle_files import REPORT_HTML

_EPILOG = """\
Use it where `elastometer run` was interrupted, or did not start the test or study. A run that is not finished has no
bundle yet; a study that is not finished has the runs that were judged so far, and their comparison.

The bundle of a study has study.json, its report, and the bundle of each run below runs/.

examples:
  elastometer fetch demo -n staging --out results
  elastometer fetch autoscalers --kind study --out results     # where a test has the same name

exit codes: 0 fetched, whatever the verdict; 2 wrong usage, or no such test or study; 4 not all files could be
fetched"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("name", metavar="NAME", help="name of a finished ElasticityTest, or of an ElasticityStudy")
    add_kind_option(parser)
    add_cluster_options(parser)
    add_output_option(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the bundle goes")


def execute(options: argparse.Namespace) -> Exit:
    """Fetches the files and says where they are. The exit code is about the files, not the verdict."""
    cluster = connect(kubeconfig=options.kubeconfig, context=options.context, namespace=options.namespace)
    with in_words(cluster.host):
        cluster, found = find(cluster, options.name, options.kind)
        if cluster.kind is STUDY and not is_finished(found):
            print("the study still runs: these are the runs that were judged so far", file=sys.stderr)
        files = fetch(cluster, found, options.out).files
    if options.output == "json":
        print(orjson.dumps({"directory": str(options.out), "files": files}, option=orjson.OPT_INDENT_2).decode())
    else:
        print(f"{len(files)} files in {options.out}; report: {options.out / REPORT_HTML}")
    return Exit.PASSED
