"""Options of the command line that are read and checked before anything is sent."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from elastometer_loadgen.base.secret import is_word
from elastometer_loadgen.base.target import Target, parse_target
from elastometer_loadgen.profile.profile import ConnectionPolicy, Profile
from elastometer_loadgen.reporting.endpoint_feed import EndpointFeed
from elastometer_loadgen.reporting.receiver_client import ReceiverClient
from elastometer_loadgen.wire.endpoints import EndpointFile

API_KEY_VARIABLE = "ELASTOMETER_API_KEY"
INDEX_VARIABLE = "JOB_COMPLETION_INDEX"
INCARNATION_VARIABLE = "ELASTOMETER_INCARNATION"
Given = TypeVar("Given")
Parsed = TypeVar("Parsed")


class UsageError(Exception):
    """The command cannot be carried out as given."""


def count(least: int) -> Callable[[str], int]:
    """Reads an integer of at least `least`; raises argparse's own error."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"must be an integer of at least {least}; got {text!r}")
        return int(text)

    return read


def checked(name: str, parse: Callable[[Given], Parsed], text: Given) -> Parsed:
    """The parsed value; raises UsageError that begins with the name."""
    try:
        return parse(text)
    except (ValueError, argparse.ArgumentTypeError) as error:
        raise UsageError(f"{name} {error}") from error


def target_of(options: argparse.Namespace) -> Target:
    """Where the load goes; raises UsageError."""
    try:
        return parse_target(options.target, options.ca_file)
    except OSError as error:
        raise UsageError(f"--ca-file must be a readable file of certificates: {options.ca_file}") from error
    except ValueError as error:
        raise UsageError(f"--target {error}") from error


def endpoints_of(
    options: argparse.Namespace, profile: Profile, receiver: ReceiverClient | None
) -> EndpointFile | EndpointFeed | None:
    """The Pods' addresses where the profile needs them, from the file or else from the receiver; raises UsageError."""
    spread = profile.connection.policy is ConnectionPolicy.SPREAD_OVER_PODS
    if options.endpoints is not None and spread:
        return checked("--endpoints", EndpointFile, options.endpoints)
    if options.endpoints is not None or (spread and receiver is None):
        rule = "must be given if, and only if, connection.policy of the profile is SpreadOverPods"
        raise UsageError(f"--endpoints {rule}; with --report-to it may be omitted: the receiver lists the Pods")
    return EndpointFeed(receiver) if spread and receiver is not None else None


def api_key_of(options: argparse.Namespace) -> str | None:
    """The key for `Authorization`, from a file or the environment; not an option: process lists show those."""
    key = secret_of("--api-key-file", options.api_key_file) or os.environ.get(API_KEY_VARIABLE, "").strip()
    if key and not is_word(key):
        raise UsageError(f"{API_KEY_VARIABLE} must hold one word of printable text")
    return key or None


def secret_of(option: str, path: Path | None) -> str | None:
    """What the file holds; raises UsageError, whose message never contains it."""
    if path is None:
        return None
    try:
        secret = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{option} must be a readable file of ASCII text: {path}") from error
    if not is_word(secret):
        raise UsageError(f"{option} must hold one word of printable text: {path}")
    return secret


def add_run_options(run: argparse.ArgumentParser) -> None:
    """The options of `run`, except the profile, --workers and --worker, which `plan` has too."""
    run.add_argument("--target", required=True, metavar="URL", help="base URL of the server, without /v1")
    run.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="DIR",
        help="directory for the records and the results; it must not hold the records of another run",
    )
    run.add_argument("--model", help="model to request (default: the profile's; without one the server chooses)")
    run.add_argument("--api-key-file", type=Path, metavar="FILE", help="file with the key for Authorization")
    run.add_argument(
        "--ca-file", type=Path, metavar="FILE", help="certificates (PEM) to trust instead of the system's"
    )
    run.add_argument(
        "--endpoints",
        type=Path,
        metavar="FILE",
        help="file with the Pods' addresses, one host:port per line, for SpreadOverPods"
        " (default with --report-to: the receiver's list)",
    )
    run.add_argument(
        "--metrics",
        metavar="ADDRESS",
        help="serve /metrics for Prometheus at PORT (on this machine only), :PORT (on all addresses) or HOST:PORT",
    )
    _add_report_options(run)


def _add_report_options(run: argparse.ArgumentParser) -> None:
    report = run.add_argument_group("reporting to a receiver, as one of several workers")
    report.add_argument(
        "--report-to", metavar="URL", help="the run's URL at the receiver, which also states the start time"
    )
    report.add_argument("--token-file", type=Path, metavar="FILE", help="file with the run's token")
    report.add_argument(
        "--incarnation",
        metavar="NAME",
        help="name that this worker keeps across restarts: one that is started again with the same name continues",
    )
    report.add_argument(
        "--give-up-seconds",
        type=count(1),
        default=900,
        metavar="S",
        help="exit with code 4 if the receiver cannot be reached for this many seconds (default: 900)",
    )
