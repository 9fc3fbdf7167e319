"""`elastometer`, also `kubectl etest`: finds the command, runs it, and turns expected failures into exit codes."""
from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from elastometer.cli.base.exits import CliError, Exit

# Name, what it does, and the module with `configure` and `execute`. A module is loaded only when its command is called,
# so that `elastometer version` does not wait for the Kubernetes client.
COMMANDS = (
    ("run", "run one ElasticityTest or ElasticityStudy and wait for its verdict", "run"),
    ("judge", "judge a recorded run or study again", "judge"),
    ("find", "find one request of a recorded run by its name", "find"),
    ("compare", "compare runs with others, and gate a change", "compare"),
    ("gate", "predict from recorded runs whether a changed test would do worse", "gate"),
    ("tune", "find better settings of a test's autoscaler, and run the best", "tune"),
    ("export", "write a recorded run in the formats of other tools", "export"),
    ("fetch", "fetch the bundle of a finished test or study", "fetch"),
    ("simulate", "predict the report of a test without running it", "simulate.command"),
    ("hpa", "replay or explain the decisions of a HorizontalPodAutoscaler", "hpa.command"),
    ("what-if", "predict a recorded run under other autoscaler settings", "what_if.command"),
    ("calibrate", "make the test that calibrates the server of another", "calibrate"),
    ("score", "score two step functions, a demand and a supply", "score"),
    ("version", "print the version", "version"),
)
EXIT_CODES = ("exit codes: 0 Pass or NotJudged, 1 Fail, 2 wrong usage or rejected spec, 3 Inconclusive, "
              "4 not carried out")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser(words).parse_args(words)
    try:
        return int(_module(options.command).execute(options))
    except CliError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return int(error.code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return int(Exit.NOT_CARRIED_OUT)
    except BrokenPipeError:
        # The reader of a pipe, such as `head`, is gone. Python flushes stdout once more at exit; into /dev/null, that
        # flush cannot fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.NOT_CARRIED_OUT)


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    # kubectl runs a plugin by its file name, but people type `kubectl etest`.
    program = "kubectl etest" if Path(sys.argv[0]).name == "kubectl-etest" else "elastometer"
    parser = argparse.ArgumentParser(
        prog=program, epilog=EXIT_CODES,
        description="Measures how elastic an LLM service on Kubernetes is. `COMMAND --help` describes a command.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    called = next((word for word in words if not word.startswith("-")), None)
    for name, about, _ in COMMANDS:
        description = about[0].upper() + about[1:] + "."
        command = commands.add_parser(name, help=about, description=description, epilog=EXIT_CODES)
        if name == called:
            _module(name).configure(command)
    return parser


def _module(command: str) -> Any:
    module = next(module for name, _, module in COMMANDS if name == command)
    return importlib.import_module(f"elastometer.cli.{module}")


if __name__ == "__main__":
    sys.exit(main())
