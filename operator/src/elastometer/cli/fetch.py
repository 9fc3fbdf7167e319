"""`elastometer fetch`: copies the bundle of a finished test from the operator's volume to a local directory."""
from __future__ import annotations

import argparse
from pathlib import Path

import orjson

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.options import add_cluster_options, add_output_option
from elastometer.cli.cluster import bundle
from elastometer.cli.cluster.api_errors import in_words
from elastometer.cli.cluster.cluster import connect
from elastometer.model.bundle_files import REPORT_HTML

_EPILOG = """\
Use it where `elastometer run` was interrupted, or did not start the test. A run that is not finished has no bundle yet.

example:
  elastometer fetch demo -n staging --out results

exit codes: 0 fetched, whatever the verdict; 2 wrong usage, or no such test; 4 the files could not be fetched"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("test", metavar="TEST", help="name of a finished ElasticityTest")
    add_cluster_options(parser)
    add_output_option(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the bundle goes")


def execute(options: argparse.Namespace) -> Exit:
    """Fetches the files and says where they are. The exit code is about the files, not the verdict."""
    cluster = connect(kubeconfig=options.kubeconfig, context=options.context, namespace=options.namespace)
    with in_words(cluster.host):
        test = cluster.get(options.test)
    if test is None:
        raise CliError(Exit.SPEC_OR_USAGE, f"there is no ElasticityTest '{cluster.namespace}/{options.test}'")
    files = bundle.fetch(cluster, test, options.out)
    if options.output == "json":
        print(orjson.dumps({"directory": str(options.out), "files": files}, option=orjson.OPT_INDENT_2).decode())
    else:
        print(f"{len(files)} files in {options.out}; report: {options.out / REPORT_HTML}")
    return Exit.PASSED
