"""Capacity and cold starts, which a test does not state: given as options, fitted to a run, or the stand-in's own."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from math import isfinite
from pathlib import Path

import yaml

from elastometer.model.capacity import Capacity
from elastometer.model.errors import SpecError
from elastometer.plan import TestPlan
from elastometer.twin.forecast.planned import Assumed, probe_seconds
from elastometer.twin.forecast.planned_load import PlannedLoad
from elastometer.twin.forecast.standin_pace import (
    not_predicted,
    standin_capacity,
    standin_startup_seconds,
    unknown_argument,
)
from elastometer_loadgen.base.document import one_line, read_document
from elastometer_loadgen.base.fields import unknown_field

# camelCase name -> field of Capacity. `requests`, the resources that a Pod requests, is in the test already.
FIELDS: Mapping[str, str] = {
    "".join(word.capitalize() if index else word for index, word in enumerate(item.name.split("_"))): item.name
    for item in fields(Capacity) if item.name != "requests"
}
_WHOLE = ("slots", "kvTokens")
_REQUIRED = ("slots", "prefillSeconds", "prefillSecondsPerToken", "decodeSeconds")
_ABOVE_ZERO = ("slots", "kvTokens", "decodeSeconds")
_OR_RECORDED = "or --from BUNDLE of an earlier run of it"
_NO_CAPACITY = f"--capacity {'=…,'.join(_REQUIRED)}=…, {_OR_RECORDED}"
_NO_STARTS = f"--cold-start SECONDS[,SECONDS…], {_OR_RECORDED}"
_UNKNOWN = Capacity(1, 0.0, 0.0, 1.0)
# Scheduling, sandbox and start of a container whose image is on the node; then the stand-in's own phases begin.
STANDIN_OVERHEAD_SECONDS = 0.75


@dataclass(frozen=True, slots=True)
class InputOptions:
    """The command line's options, as text."""

    capacity: str | None
    cold_starts: str | None


def assume(plan: TestPlan, load: PlannedLoad, given: InputOptions, recorded: Assumed | None) -> Assumed:
    """Each input from the first that has it: the command line, the recorded run, the stand-in's arguments."""
    base = recorded or _standin(plan, load)
    values = None if given.capacity is None else parse_capacity(given.capacity)
    capacity = None if values is None else _capacity(values, plan, base)
    starts = None if given.cold_starts is None else parse_cold_starts(given.cold_starts)
    if base is None and (capacity is None or starts is None):
        flags = plan.spec.server.flags
        why = (unknown_argument(flags) if flags.is_standin else None) or "this server is not the stand-in"
        raise SpecError(*([f"capacity: must be given, since {why}: {_NO_CAPACITY}"] if capacity is None else []),
                        *([f"cold start: must be given, since {why}: {_NO_STARTS}"] if starts is None else []))
    whole = base or Assumed(_UNKNOWN, "", (), "")
    if capacity is not None:
        source = "given" if base is None else f"{base.capacity_source}, but {', '.join(values or ())} given"
        whole = replace(whole, capacity=capacity, capacity_source=source)
    if starts is not None:
        whole = replace(whole, cold_starts=starts, cold_start_source="given", pending_seconds=0.0)
    return whole


def _standin(plan: TestPlan, load: PlannedLoad) -> Assumed | None:
    """What the stand-in's arguments state; None if they are not known, and for another server, whose arguments state no
    times."""
    server = plan.spec.server
    if not server.flags.is_standin or unknown_argument(server.flags):
        return None
    capacity = standin_capacity(server.flags, load.mean_output_tokens)
    startup = standin_startup_seconds(server.flags)
    delay, period, again = probe_seconds(plan)
    shortest = max(startup, delay) + STANDIN_OVERHEAD_SECONDS + again
    delayed = f", no probe before {delay:g} s of its run" if delay > startup else ""
    return Assumed(
        capacity, "arguments of the stand-in",
        (shortest, shortest + period),
        f"arguments of the stand-in, {startup:g} s of phases, {STANDIN_OVERHEAD_SECONDS:g} s until its container runs"
        f"{delayed}, and up to {period:g} s until a probe",
        pending_seconds=STANDIN_OVERHEAD_SECONDS, notes=not_predicted(server.flags),
    )


def _capacity(values: Mapping[str, float], plan: TestPlan, base: Assumed | None) -> Capacity:
    """The given values on top of what is known otherwise. Raises SpecError naming what is missing in both."""
    # vLLM's own flag for the number of requests in a batch.
    flags = plan.spec.server.flags
    slots = flags.slots
    known = {"slots": float(slots)} if base is None and slots is not None else {}
    whole = {**known, **values}
    missing = [] if base is not None else [name for name in _REQUIRED if name not in whole]
    if missing:
        why = flags.unknown_slots
        rule = "must be given" if why is None else f"must be given, since the server's flags do not state it ({why})"
        raise SpecError(*(f"--capacity: {name} {rule if name == 'slots' else 'must be given'}, is absent"
                          for name in missing))
    fields_of = {FIELDS[name]: int(value) if name in _WHOLE else value for name, value in whole.items()}
    return replace(_UNKNOWN if base is None else base.capacity, **fields_of)  # type: ignore[arg-type]


def parse_capacity(text: str) -> Mapping[str, float]:
    """From a file with the fields as YAML or JSON, or from the fields themselves: name=number,… Raises SpecError."""
    found = _file(Path(text)) if "=" not in text else _pairs(text)
    flaws = [f"--capacity: {name} {unknown_field(name, tuple(FIELDS))}" for name in found if name not in FIELDS]
    values: dict[str, float] = {}
    for name, value in found.items():
        number = _number(value)
        if number is None or number < 0 or (name in _ABOVE_ZERO and number == 0):
            flaws.append(f"--capacity: {name} must be a number {'above' if name in _ABOVE_ZERO else 'of at least'} 0, "
                         f"is {value!r}")
        else:
            values[name] = number
    if flaws:
        raise SpecError(*sorted(flaws))
    return values


def _pairs(text: str) -> Mapping[str, object]:
    found: dict[str, object] = {}
    for part in filter(str.strip, text.split(",")):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name in found:
            raise SpecError(f"--capacity: {name} must be given only once, is given again with {value!r}")
        found[name] = value
    return found


def _file(path: Path) -> Mapping[str, object]:
    rule = f"must be name=number,… or a file of them as YAML, is '{path}'"
    try:
        document = read_document(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SpecError(f"--capacity: {rule} ({one_line(error)})") from error
    if not isinstance(document, dict):
        raise SpecError(f"--capacity: {rule}, which holds a {type(document).__name__}")
    return document


def _number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if isfinite(number) and not isinstance(value, bool) else None


def parse_cold_starts(text: str) -> tuple[float, ...]:
    """Seconds, in ascending order. Raises SpecError."""
    numbers = [(part, _number(part)) for part in text.split(",")]
    wrong = [part for part, number in numbers if number is None or number <= 0]
    if wrong:
        rule = "must be seconds above 0, separated by commas"
        raise SpecError(*(f"--cold-start: {rule}, has {part!r}" for part in wrong))
    return tuple(sorted(number for _, number in numbers if number is not None))
