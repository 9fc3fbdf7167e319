"""`--set path=value` and `--cold-start-scales`, as typed on a command line."""
from __future__ import annotations

from collections.abc import Sequence

import yaml

from elastometer.cli.base.exits import CliError, Exit
from elastometer.twin.search.vary.fields import Setting
from elastometer_loadgen.base.document import one_line, read_document


def settings_from(texts: Sequence[str]) -> tuple[Setting, ...]:
    """The settings. Values are YAML: numbers are numbers, and mappings and lists are written as {…} and […]."""
    return tuple(_setting(text) for text in texts)


def _setting(text: str) -> Setting:
    path, equals, value = text.partition("=")
    if not path or not equals or not value:
        raise CliError(Exit.SPEC_OR_USAGE, f"--set: must be path=value, as in minReplicas=2, is {text!r}")
    try:
        return Setting(path.strip(), read_document(value))
    except (yaml.YAMLError, ValueError) as error:
        flaw = one_line(error)
        raise CliError(Exit.SPEC_OR_USAGE, f"{path}: must have a YAML value, is {value!r}: {flaw}") from error


def scales_from(text: str) -> tuple[float, ...]:
    """`0.25,0.5` -> the factors by which the measured cold starts are multiplied."""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(0 <= factor <= 1000 for factor in found):
        raise CliError(Exit.SPEC_OR_USAGE,
                       f"--cold-start-scales: must be numbers from 0 to 1000, separated by commas, is {text!r}")
    return found
