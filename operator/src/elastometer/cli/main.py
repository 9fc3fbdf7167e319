"""`elastometer`, also as `kubectl etest`: finds the command, runs it, turns expected failures into exit codes."""
from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from elastometer.cli.base.exits import CliError, Exit

# Name, what it does, and the module with `configure` and `execute`. A module is loaded only when its command is called.
COMMANDS = (
    ("run", "run one ElasticityTest and wait for its verdict", "run"),
    ("judge", "judge a recorded run again", "judge"),
    ("fetch", "fetch the bundle of a finished test", "fetch"),
    ("simulate", "predict the report of a test that was never run", "simulate.command"),
    ("hpa", "decide again what the HorizontalPodAutoscaler decided", "hpa.command"),
    ("what-if", "predict a recorded run under other settings of its autoscaler", "what_if.command"),
    ("version", "print the version", "version"),
)
EXIT_CODES = "exit codes: 0 Pass or NotJudged, 1 Fail, 2 usage or spec error, 3 Inconclusive, 4 not carried out"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser(given).parse_args(given)
    try:
        return int(_module(options.command).execute(options))
    except CliError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return int(error.code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return int(Exit.NOT_CARRIED_OUT)
    except BrokenPipeError:
        # Whoever read the output has gone; so does the rest of it, without a second complaint at shutdown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.NOT_CARRIED_OUT)


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    program = "kubectl etest" if Path(sys.argv[0]).name == "kubectl-etest" else "elastometer"
    parser = argparse.ArgumentParser(
        prog=program, epilog=EXIT_CODES, description="Measures how elastic an LLM service on Kubernetes really is.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    wanted = next((word for word in given if not word.startswith("-")), None)
    for name, about, _ in COMMANDS:
        command = commands.add_parser(name, help=about, description=about, epilog=EXIT_CODES)
        if name == wanted:
            _module(name).configure(command)
    return parser


def _module(command: str) -> Any:
    module = next(module for name, _, module in COMMANDS if name == command)
    return importlib.import_module(f"elastometer.cli.{module}")


if __name__ == "__main__":
    sys.exit(main())
