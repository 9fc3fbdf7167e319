"""`elastometer hpa explain`: why the autoscaler did what it did, sync by sync, and where the seconds went."""
from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import orjson

from elastometer.analysis.autoscaler.explain_run import explain_run, explain_trace
from elastometer.analysis.evidence.evidence import gather
from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.options import add_output_option
from elastometer.cli.hpa.explain_text import account_lines
from elastometer.model.autoscaler import AutoscalerAccount
from elastometer.render.json_report import plain
from elastometer.world.bundle_reader import BundleError, load_bundle
from elastometer.world.trace_reader import TraceFileError, is_trace_file, read_recordings

_EPILOG = """\
Use it when an autoscaler scaled too late, too little or not at all, to see what held it back and for how long.

For each sync: the replicas before it, the metric and its target, the replicas that their unclamped ratio wants, what
each constraint made of that number, and the decision. Consecutive syncs with nothing to do share one line.
For each change: how long it took from the need to the decision, and what took the seconds: metric delay, sync wait,
tolerance, Pods without a sample, stabilization window, scaling policy, maxReplicas.
At the end: at how many syncs the replay decides as the live controller did, and what the record does not show.

  elastometer hpa explain runs/demo-20260101T000000Z
  elastometer hpa explain bundle.tar.zst --all
  elastometer hpa explain traces.jsonl --name trace-3
  elastometer hpa explain bundle.tar.zst --output json | jq '.changes[] | {fromReplicas, toReplicas, losses}'

  +55.576 s   1   1   5 of 2   3 → 2 scaling policy   2   scaling policy
  One replica, which is Ready. 5 requests wait and the target is 2, so the ratio wants 3 replicas; the scaling policy
  allows 2.

docs/hpa.md, "Where the seconds went", has the rules.

exit codes: 0 explained, 2 wrong usage or a file that is neither a run nor a trace, 4 no autoscaler recorded"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("record", type=Path, metavar="BUNDLE|TRACE",
                        help="a run (directory or .tar.zst), or recorded syncs (.jsonl or .jsonl.zst)")
    parser.add_argument("--all", action="store_true", help="a line for every sync, also where there was nothing to do")
    parser.add_argument("--name", metavar="NAME", help="explain only the trace of this name")
    add_output_option(parser)
    parser.epilog = _EPILOG


def execute(options: argparse.Namespace) -> Exit:
    """Explains the run, or each trace in turn: a trace file may be larger than memory."""
    found = 0
    for account in _accounts(options.record, options.name):
        if account.reason is not None:
            raise CliError(Exit.NOT_CARRIED_OUT, f"{options.record}: nothing to explain: {account.reason}")
        if options.output == "json":
            print(orjson.dumps(plain(account)).decode(), flush=True)
        else:
            print("\n".join([""] * bool(found) + account_lines(account, whole=options.all)), flush=True)
        found += 1
    if not found:
        raise CliError(Exit.SPEC_OR_USAGE, f"--name: must be the name of a trace in {options.record}, "
                                           f"is '{options.name}'")
    return Exit.PASSED


def _accounts(path: Path, name: str | None) -> Iterator[AutoscalerAccount]:
    if not is_trace_file(path):
        yield _run_account(path, name)
        return
    try:
        yield from (explain_trace(trace) for trace in read_recordings(path) if name in (None, trace.name))
    except TraceFileError as error:
        raise CliError(Exit.SPEC_OR_USAGE, *error.flaws) from error


def _run_account(path: Path, name: str | None) -> AutoscalerAccount:
    if name is not None:
        raise CliError(Exit.SPEC_OR_USAGE, f"--name: may be given only with a trace file; {path} is a run")
    try:
        bundle = load_bundle(path)
    except (BundleError, OSError) as error:
        raise CliError(Exit.SPEC_OR_USAGE, str(error)) from error
    return explain_run(gather(bundle))
