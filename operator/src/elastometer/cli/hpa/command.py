"""`elastometer hpa`: what the HorizontalPodAutoscaler decided, decided again. Finds the sub-command and runs it."""
from __future__ import annotations

import argparse
import importlib
from typing import Any

from elastometer.cli.base.exits import Exit

# Name, what it does. Each is a module of this room with `configure` and `execute`, loaded when called.
COMMANDS = (
    ("replay", "decide recorded looks again and compare with what the real controller did"),
    ("explain", "tell of each sync why it decided as it did, and where the seconds went"),
)


class _Command(argparse.ArgumentParser):
    """Asks the sub-command's module for its arguments when it is its turn to read them."""

    module = ""

    def parse_known_args(self, *given: Any, **more: Any) -> Any:
        if self.module:
            importlib.import_module(self.module).configure(self)
        return super().parse_known_args(*given, **more)


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the sub-commands."""
    parser.description = "Knows what the HorizontalPodAutoscaler controller of Kubernetes 1.35 does with what it sees."
    parser.epilog = ("exit codes: 0 answered (replay: everything agrees), 1 replay found a difference, 2 bad input, "
                     "4 there is nothing to explain")
    commands = parser.add_subparsers(dest="hpa_command", required=True, metavar="COMMAND", parser_class=_Command)
    for name, about in COMMANDS:
        command = commands.add_parser(
            name, help=about, description=about[0].upper() + about[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter)
        command.module = f"elastometer.cli.hpa.{name}"


def execute(options: argparse.Namespace) -> Exit:
    """Runs the sub-command."""
    code: Exit = importlib.import_module(f"elastometer.cli.hpa.{options.hpa_command}").execute(options)
    return code
