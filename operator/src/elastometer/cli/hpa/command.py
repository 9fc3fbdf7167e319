"""`elastometer hpa`: the decisions of a HorizontalPodAutoscaler, made again. Finds the subcommand and runs it."""
from __future__ import annotations

import argparse
import importlib
from typing import Any

from elastometer.cli.base.exits import Exit

# Name and what it does. Each is a module of this package with `configure` and `execute`, loaded when it is called.
COMMANDS = (
    ("replay", "decide recorded syncs again and compare with the real controller's decisions"),
    ("explain", "explain why each sync decided as it did, and where the seconds went"),
)


class _Command(argparse.ArgumentParser):
    """Adds the subcommand's arguments only when it is about to parse them.

    argparse needs the parser of every subcommand beforehand; loading all their modules for that would slow down each
    of them.
    """

    module = ""

    def parse_known_args(self, *args: Any, **kwargs: Any) -> Any:
        if self.module:
            importlib.import_module(self.module).configure(self)
        return super().parse_known_args(*args, **kwargs)


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the subcommands."""
    parser.description = ("Decides as the HorizontalPodAutoscaler controller of Kubernetes 1.35 does, from what that "
                          "controller saw.")
    parser.epilog = ("exit codes: 0 answered (replay: everything agrees), 1 replay found a difference, "
                     "2 wrong usage or bad input, 4 there is nothing to explain")
    commands = parser.add_subparsers(dest="hpa_command", required=True, metavar="COMMAND", parser_class=_Command)
    for name, about in COMMANDS:
        command = commands.add_parser(
            name, help=about, description=about[0].upper() + about[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter)
        command.module = f"elastometer.cli.hpa.{name}"


def execute(options: argparse.Namespace) -> Exit:
    """Runs the subcommand."""
    code: Exit = importlib.import_module(f"elastometer.cli.hpa.{options.hpa_command}").execute(options)
    return code
