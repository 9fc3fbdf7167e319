"""Arguments that several commands share."""
from __future__ import annotations

import argparse

from elastometer.cli.base.kinds import called


def add_cluster_options(parser: argparse.ArgumentParser) -> None:
    """Options that select the cluster, named as in kubectl."""
    parser.add_argument("-n", "--namespace", help="namespace of the test (default: the file's, then the context's)")
    parser.add_argument("--context", help="context of the kubeconfig")
    parser.add_argument("--kubeconfig", help="path of the kubeconfig (default: $KUBECONFIG, then ~/.kube/config)")


def add_output_option(parser: argparse.ArgumentParser) -> None:
    """Text for people or JSON for programs on standard output, which carries nothing else: progress goes to stderr."""
    parser.add_argument("--output", choices=("text", "json"), default="text", help="form of the result (default: text)")


def add_kind_option(parser: argparse.ArgumentParser, when: str = "") -> None:
    """Which of the two kinds a name is meant to be of."""
    where = f"{when}, " if when else ""
    parser.add_argument("--kind", type=called, metavar="KIND",
                        help=f"{where}test or study: needed where there is one of each of this name")


def positive_count(text: str) -> int:
    """An argument type: a whole number above zero."""
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, is {text!r}")
    return int(text)


def positive_number(text: str, what: str = "a number") -> float:
    """An argument type: a finite number above zero; `what` names it in the error message."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be {what} above 0, is {text!r}")
    return value


def positive_seconds(text: str) -> float:
    """An argument type: a number of seconds above zero."""
    return positive_number(text, "a number of seconds")
