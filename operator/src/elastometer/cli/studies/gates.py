"""`--gate MEASURE=LIMIT`, as typed on a command line: the gate of a study's spec, within the bounds of the CRD."""
from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.kinds import STUDY
from elastometer.cli.base.offline import schema_of
from elastometer.model.measures import measure_flaw
from elastometer.model.study import Gate

MAX_DIGITS = 10


def gates_from(texts: Sequence[str]) -> tuple[Gate, ...]:
    """The gates. Raises CliError for one that cannot be read, and for two of one measure."""
    gates = [_gate(text) for text in texts]
    for at, gate in enumerate(gates):
        if gate.measure in [other.measure for other in gates[:at]]:
            raise CliError(Exit.SPEC_OR_USAGE, f"--gate: must be given once for each measure, {gate.measure} is twice")
    return tuple(gates)


def gate_json(gate: Gate) -> dict[str, object]:
    """The gate as it stands in a study's spec."""
    limit: dict[str, object] = ({"maximumRegressionPercent": gate.percent} if gate.percent is not None else
                                {"maximumRegression": format(gate.absolute or 0, "f")})
    return {"measure": gate.measure, **limit}


def _gate(text: str) -> Gate:
    measure, equals, limit = text.partition("=")
    if not equals or not limit:
        raise CliError(Exit.SPEC_OR_USAGE, "--gate: must be MEASURE=LIMIT, as in missSeconds=5 or gpuSeconds=10%, is "
                       f"{text!r}")
    if flaw := measure_flaw(measure):
        raise CliError(Exit.SPEC_OR_USAGE, f"--gate: {flaw}")
    known = schema_of(STUDY)["properties"]["gates"]["items"]["properties"]
    if limit.endswith("%"):
        return Gate(measure, percent=_percent(limit, text, known["maximumRegressionPercent"]["maximum"]))
    return Gate(measure, absolute=_absolute(limit, text, known["maximumRegression"]["pattern"]))


def _percent(limit: str, text: str, highest: int) -> int:
    number = limit.removesuffix("%").strip()
    if not (number.isascii() and number.isdigit() and len(number) < MAX_DIGITS and int(number) <= highest):
        raise CliError(Exit.SPEC_OR_USAGE,
                       f"--gate: must allow a whole number of percent from 0 to {highest}, is {text!r}")
    return int(number)


def _absolute(limit: str, text: str, pattern: str) -> Decimal:
    if re.fullmatch(pattern, limit) is None:
        raise CliError(Exit.SPEC_OR_USAGE, "--gate: must allow a number of the measure's unit, 0 or more, with at most "
                       f"12 digits and 6 decimals, or a percentage of the baseline's value, is {text!r}")
    return Decimal(limit)
