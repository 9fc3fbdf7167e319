"""`elastometer export`: a recorded run in the formats of other tools. Needs no cluster."""
from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from elastometer.analysis.analyze import judge_run
from elastometer.analysis.run import DerivedRun, derive_run
from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.files import write_files
from elastometer.cli.base.text import printable
from elastometer.interchange.benchmark_report import NoStageError, benchmark_reports
from elastometer.interchange.csv_tables import csv_tables
from elastometer.interchange.otlp import trace_request
from elastometer.interchange.spans import NoOriginError
from elastometer.model.report import Report
from elastometer.render.json_report import plain
from elastometer.world.bundle_reader import BundleError, load_bundle
from elastometer.world.trace_endpoint import TraceEndpointError, send_traces, traces_url

TRACES = "traces.otlp.json"
_EXAMPLES = """\
formats:
  llm-d-benchmark  one Benchmark Report v0.2 (YAML) for each stage, as llm-d-benchmark writes them and Prism reads them
  otlp             each scale-out and each cold start as an OpenTelemetry trace, one span for each bar of the report
  csv              the tables of report.json, one file for each; nested rows name the row that they belong to

A number that the run does not have is left out; none is made up.

examples:
  elastometer export runs/demo --format llm-d-benchmark --out prism
  elastometer export bundle.tar.zst --format otlp --endpoint http://localhost:4318
  elastometer export bundle.tar.zst --format csv --out tables

exit codes: 0 exported, whatever the verdict; 2 wrong usage, or the run lacks what the format needs;
  4 the endpoint did not take the traces"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="directory or .tar.zst of a run")
    parser.add_argument("--format", required=True, choices=tuple(_FORMATS), help="see below")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the files go")
    parser.add_argument("--endpoint", metavar="URL", help="send the traces there (OTLP over HTTP, JSON; otlp only)")
    parser.add_argument("--header", action="append", default=[], metavar="NAME=VALUE",
                        help="a header for the endpoint, such as an API key; may be repeated")


def execute(options: argparse.Namespace) -> Exit:
    """Writes the files, or sends the traces, and says what it did."""
    _check(options)
    try:
        run = derive_run(load_bundle(options.bundle))
        files = _FORMATS[options.format](run, judge_run(run))
    except (BundleError, NoStageError, NoOriginError, OSError) as error:
        raise CliError(Exit.SPEC_OR_USAGE, str(error)) from error
    if options.out is not None:
        write_files(files, options.out, "the export")
        print(printable(f"{len(files)} files in {options.out}: {', '.join(files)}"))
    if options.endpoint is not None:
        _send(files[TRACES], options)
    return Exit.PASSED


def _check(options: argparse.Namespace) -> None:
    if options.endpoint is not None and options.format != "otlp":
        raise CliError(Exit.SPEC_OR_USAGE, f"--endpoint: must be given with --format otlp only, is with "
                                           f"--format {options.format}")
    if options.header and options.endpoint is None:
        raise CliError(Exit.SPEC_OR_USAGE, "--header: must be given with --endpoint, which is missing")
    if options.out is None and options.endpoint is None:
        raise CliError(Exit.SPEC_OR_USAGE, "--out: must be given" + (
            ", or --endpoint" if options.format == "otlp" else "") + "; it says where the files go")
    try:
        traces_url(options.endpoint or "http://unused")
    except ValueError as error:
        raise CliError(Exit.SPEC_OR_USAGE, f"--endpoint: {error}") from error
    _headers(options)


def _headers(options: argparse.Namespace) -> dict[str, str]:
    found = {}
    for text in options.header:
        name, equals, value = text.partition("=")
        if not name.strip() or not equals or not (name + value).isprintable():
            # The value may be a key, so it is not repeated.
            raise CliError(Exit.SPEC_OR_USAGE, f"--header: must be NAME=VALUE of printable characters, is {name!r}=…")
        found[name.strip()] = value
    return found


def _send(content: bytes, options: argparse.Namespace) -> None:
    request = json.loads(content)
    count = len(request["resourceSpans"][0]["scopeSpans"][0]["spans"])
    try:
        send_traces(options.endpoint, request, _headers(options))
    except TraceEndpointError as error:
        raise CliError(Exit.NOT_CARRIED_OUT, str(error)) from error
    print(printable(f"{count} spans sent to {traces_url(options.endpoint)}"), file=sys.stderr)


def _llm_d(run: DerivedRun, report: Report) -> dict[str, bytes]:
    return {name: yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode()
            for name, document in benchmark_reports(run, report).items()}


def _otlp(_: DerivedRun, report: Report) -> dict[str, bytes]:
    return {TRACES: (json.dumps(trace_request(report), ensure_ascii=False) + "\n").encode()}


def _csv(_: DerivedRun, report: Report) -> dict[str, bytes]:
    document: Any = plain(report)
    return csv_tables(document)


_FORMATS: Mapping[str, Callable[[DerivedRun, Report], dict[str, bytes]]] = {
    "llm-d-benchmark": _llm_d, "otlp": _otlp, "csv": _csv,
}
