"""`--set path=value` as people type it."""
from __future__ import annotations

from collections.abc import Sequence

import yaml

from elastometer.cli.base.exits import CliError, Exit
from elastometer.twin.search.vary.fields import Setting


def settings_from(texts: Sequence[str]) -> tuple[Setting, ...]:
    """The settings; the value is YAML, so that numbers are numbers and lists can be written as {…} and […]."""
    return tuple(_setting(text) for text in texts)


def _setting(text: str) -> Setting:
    path, equals, value = text.partition("=")
    if not path or not equals or not value:
        raise CliError(Exit.SPEC_OR_USAGE, f"--set: must be path=value, as in minReplicas=2, is {text!r}")
    try:
        return Setting(path.strip(), yaml.safe_load(value))
    except yaml.YAMLError as error:
        flaw = " ".join(str(error).split())
        raise CliError(Exit.SPEC_OR_USAGE, f"{path}: must have a YAML value, is {value!r}: {flaw}") from error


def scales_from(text: str) -> tuple[float, ...]:
    """`0.25,0.5` -> the factors on the measured cold starts."""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(0 <= one <= 1000 for one in found):
        raise CliError(Exit.SPEC_OR_USAGE,
                       f"--cold-start-scales: must be numbers from 0 to 1000 with commas between, is {text!r}")
    return found
