"""The command line: `plan` prints the schedule, `run` carries it out, `merge` makes one result from several workers."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import uvloop

from elastometer_loadgen import __version__
from elastometer_loadgen.base.files import from_directory
from elastometer_loadgen.base.notes import note
from elastometer_loadgen.base.target import parse_target
from elastometer_loadgen.gauges.metrics_server import Address, ListenError, parse_address, serving_metrics
from elastometer_loadgen.journal.spool import Spool, SpoolError
from elastometer_loadgen.plan.overview import overview, table
from elastometer_loadgen.plan.prompts import PromptSource
from elastometer_loadgen.plan.schedule import compute_schedule
from elastometer_loadgen.profile.impossible import needs_one_worker
from elastometer_loadgen.profile.inputs import with_files
from elastometer_loadgen.profile.profile import Profile, ProfileError, read_profile
from elastometer_loadgen.reporting.endpoint_feed import EndpointFeed
from elastometer_loadgen.reporting.receiver_client import ReceiverClient
from elastometer_loadgen.reporting.reporter import Patience, Reporter
from elastometer_loadgen.results.publish import PublishError, publish
from elastometer_loadgen.results.summary import SUMMARY_NAME
from elastometer_loadgen.worker.assignment import Assignment
from elastometer_loadgen.worker.help import EPILOG, MERGE_HELP, PLAN_HELP, RUN_HELP
from elastometer_loadgen.worker.options import (
    INCARNATION_VARIABLE,
    INDEX_VARIABLE,
    UsageError,
    add_run_options,
    api_key_of,
    checked,
    count,
    endpoints_of,
    secret_of,
    target_of,
)
from elastometer_loadgen.worker.process import ExitCode
from elastometer_loadgen.worker.worker import Worker

PLAN_DECIMALS = 6


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except (UsageError, SpoolError, PublishError, ListenError) as error:
        print(f"error: {error}", file=sys.stderr)
    except ProfileError as error:
        print(f"error: the profile {options.profile} is not valid; nothing was sent:", file=sys.stderr)
        for fault in error.faults:
            print(f"  {fault}", file=sys.stderr)
    except BrokenPipeError:
        # The reader of a pipe, such as `head`, has closed it. Standard output becomes /dev/null, since Python would
        # otherwise fail once more when it flushes the rest at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.CARRIED_OUT
    return ExitCode.USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="elastometer-load",
        description="Sends open-loop and closed-loop load to an OpenAI-compatible server, with one record per request.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"elastometer-load {__version__}")
    commands = parser.add_subparsers(required=True, metavar="plan|run|merge")
    plan = _command(commands, "plan", "print the schedule or the stages of a profile; nothing is sent", PLAN_HELP)
    run = _command(commands, "run", "send the load, and write records, summary and results page to --out", RUN_HELP)
    merge = _command(commands, "merge", "make one result from the directories of a run's workers", MERGE_HELP)
    merge.set_defaults(command=_merge)
    merge.add_argument("directories", nargs="+", type=Path, metavar="DIR", help="what a worker's `run --out` wrote")
    merge.add_argument("--out", required=True, type=Path, metavar="DIR", help="directory for the result")
    for command, function in ((plan, _plan), (run, _run)):
        command.set_defaults(command=function)
        command.add_argument("profile", metavar="PROFILE.yaml", help="the load, as in spec.load of an ElasticityTest")
        command.add_argument(
            "--workers", type=count(1), metavar="N", help="number of workers (default: the profile's workers)"
        )
        command.add_argument(
            "--worker", type=count(0), metavar="I", help="index of this worker (default: it sends the whole load)"
        )
    plan.add_argument(
        "--output", choices=("lines", "table", "json"), default="lines",
        help="lines: every arrival of the open-loop stages, as lines of JSON (default); table: the stages and a picture"
        " of the rate; json: the stages",
    )
    add_run_options(run)
    return parser


def _command(commands: Any, name: str, summary: str, details: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", epilog=details,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _plan(options: argparse.Namespace) -> ExitCode:
    profile = _read_profile(options.profile)
    _warn(profile)
    worker, workers = _place(options, profile, None)
    if options.output != "lines":
        team = options.workers or profile.workers
        document = orjson.dumps(overview(profile, team), option=orjson.OPT_INDENT_2).decode() + "\n"
        sys.stdout.write(document if options.output == "json" else table(profile, team))
        sys.stdout.flush()
        return ExitCode.CARRIED_OUT
    schedule = compute_schedule(profile)
    prompts = PromptSource(profile, first_ids=schedule.first_ids)
    for arrival in schedule.share(worker, workers):
        line = {
            "at": round(arrival.at, PLAN_DECIMALS),
            "stage": arrival.stage,
            "task": prompts.task_of(arrival),
            "id": arrival.id,
        }
        sys.stdout.write(orjson.dumps(line).decode() + "\n")
    sys.stdout.flush()
    return ExitCode.CARRIED_OUT


def _run(options: argparse.Namespace) -> ExitCode:
    profile = _read_profile(options.profile)
    _warn(profile)
    worker, workers = _place(options, profile, os.environ.get(INDEX_VARIABLE))
    assignment = Assignment(
        profile=profile,
        target=target_of(options),
        out=options.out,
        model=options.model,
        worker=worker,
        workers=workers,
        api_key=api_key_of(options),
        incarnation=options.incarnation or os.environ.get(INCARNATION_VARIABLE),
    )
    metrics = None if options.metrics is None else checked("--metrics", parse_address, options.metrics)
    receiver = _receiver(options, assignment)
    endpoints = endpoints_of(options, profile, receiver)
    assignment = replace(assignment, endpoints=endpoints)
    try:
        spool = Spool(options.out, assignment.incarnation)
    except OSError as error:
        raise UsageError(f"--out must be a writable directory: {error.strerror or error}") from error
    reporter = None
    if receiver is not None:
        feed = endpoints if isinstance(endpoints, EndpointFeed) else None
        reporter = Reporter(receiver, Patience(give_up_seconds=options.give_up_seconds), note, feed)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = runner.run(_carry_out(assignment, spool, reporter, metrics))
    # A stopped worker with an incarnation may be started again and continue with its records, so they stay as they are.
    may_continue = code is ExitCode.NOT_CARRIED_OUT and assignment.incarnation is not None
    if receiver is None and not may_continue and (options.out / SUMMARY_NAME).exists():
        return _published(publish([options.out], options.out), code)
    return code


def _merge(options: argparse.Namespace) -> ExitCode:
    summary = publish(options.directories, options.out)
    if duplicates := summary["dropped"]["duplicateRequests"]:
        note(f"{duplicates} requests had more than one record; of each the one that was sent first was kept")
    return _published(summary, ExitCode.FELL_BEHIND if summary["fellBehind"] else ExitCode.CARRIED_OUT)


def _published(summary: dict[str, Any], code: ExitCode) -> ExitCode:
    """The code of a run with this summary: rejections explain everything but a load that was not carried out."""
    if summary["rejection"] is None:
        return code
    print(f"error: {summary['rejection']['message']}", file=sys.stderr)
    return code if code is ExitCode.NOT_CARRIED_OUT else ExitCode.REJECTED


async def _carry_out(
    assignment: Assignment, spool: Spool, reporter: Reporter | None, metrics: Address | None
) -> ExitCode:
    worker = Worker(assignment, spool, reporter)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, worker.stop)
    try:
        async with serving_metrics(metrics, worker.meters.text) as port:
            if port is not None:
                note(f"metrics are served at port {port}, path /metrics")
            return await worker.run()
    finally:
        spool.close()


def _receiver(options: argparse.Namespace, assignment: Assignment) -> ReceiverClient | None:
    if options.report_to is None:
        return None
    token = secret_of("--token-file", options.token_file)
    if token is None or assignment.incarnation is None:
        raise UsageError("--report-to must come with --token-file and --incarnation")
    run = checked("--report-to", parse_target, options.report_to)
    return ReceiverClient(run, token, assignment.worker, assignment.incarnation)


def _read_profile(path: str) -> Profile:
    try:
        return with_files(read_profile(Path(path).read_text(encoding="utf-8-sig")), from_directory(Path(path).parent))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"the profile {path} must be a readable text file: {why}") from error


def _warn(profile: Profile) -> None:
    for warning in profile.warnings:
        note(f"WARNING: {warning}")


def _place(options: argparse.Namespace, profile: Profile, index: str | None) -> tuple[int, int]:
    """The index of this worker and the number of workers; without an index it sends everything."""
    worker = options.worker
    if worker is None and index is not None:
        worker = checked(INDEX_VARIABLE, count(0), index)
    if worker is None:
        return 0, 1
    workers: int = options.workers or profile.workers
    if worker >= workers:
        raise UsageError(f"--worker must be less than the number of workers, {workers}; got {worker}")
    alone = needs_one_worker(profile.stages)
    if workers > 1 and alone is not None:
        raise UsageError(f"--workers must be 1: {alone}; got {workers}")
    return worker, workers


if __name__ == "__main__":
    sys.exit(main())
