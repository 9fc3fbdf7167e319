"""`elastometer version`: the version of this tool and of the API that it uses."""
from __future__ import annotations

import argparse
from importlib.metadata import version

import orjson

from elastometer.cli.base.exits import Exit
from elastometer.cli.base.options import add_output_option
from elastometer.model.names import API_VERSION


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.epilog = "exit codes: 0 printed, 2 wrong usage"
    add_output_option(parser)


def execute(options: argparse.Namespace) -> Exit:
    """Prints both versions."""
    own = version("elastometer")
    if options.output == "json":
        print(orjson.dumps({"version": own, "apiVersion": API_VERSION}).decode())
    else:
        print(f"elastometer {own} ({API_VERSION})")
    return Exit.PASSED
