"""The flags of the model server: which differ, which of these the twin models, and a scenario under the new ones.

Of any server it models how many requests run at once and how long a deleted replica may finish its requests. The
stand-in's own flags state its pace and its start-up; the fitted numbers move by what these say.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace

from elastometer.model.bundle_files import STRUCK
from elastometer.model.capacity import Capacity
from elastometer.model.document import Document
from elastometer.model.gating import ChangeEffect, FieldChange
from elastometer.model.server_flags import MAX_NUM_SEQS, SHUTDOWN_TIMEOUT, ServerFlags, flags_of_test
from elastometer.twin.fit.starts import grace_seconds
from elastometer.twin.forecast import standin_pace
from elastometer.twin.scenario import Scenario
from elastometer_serverflags.words import UNKNOWN

ARGS = ("target", "server", "args")
_OF_ANY_SERVER = frozenset({MAX_NUM_SEQS, SHUTDOWN_TIMEOUT})
_OF_THE_STANDIN = frozenset({*standin_pace.DEFAULTS, standin_pace.PHASES, standin_pace.EAGER})
# A decode that takes no time at all has no meaning.
_LEAST_DECODE_SECONDS = 1e-6


def flag_changes(recorded: Document, changed: Document) -> Iterator[FieldChange]:
    """The flags that differ, by name. Where the arguments of one side are not all known, one change says so."""
    before, after = flags_of_test(recorded), flags_of_test(changed)
    for flags in (before, after):
        if flags.doubt is not None:
            yield FieldChange("spec.target.server.args", None, None, ChangeEffect.NOT_MODELLED, flags.doubt)
            return
    values = [_values(flags) for flags in (before, after)]
    for name in sorted({*values[0], *values[1]}):
        old, new = (one.get(name) for one in values)
        if old != new:
            yield FieldChange(f"spec.target.server.args ({name})", old, new, *_effect(name, before, after))


def _values(flags: ServerFlags) -> Mapping[str, str]:
    """The last value of each flag; what was read as no known flag counts under its own spelling."""
    given = {one.flag.name: " ".join(one.values).replace(UNKNOWN, STRUCK) if one.is_on else "off"
             for one in flags.reading.given}
    others = {text.partition("=")[0]: text for text in flags.reading.others}
    # The model comes first, and is a field of its own.
    more = [word for word in flags.reading.positionals if word != flags.model]
    return {**({"words": " ".join(more)} if more else {}), **others, **given}


def _effect(name: str, before: ServerFlags, after: ServerFlags) -> tuple[ChangeEffect, str | None]:
    old = before.reading.last(name)
    is_modelled = name in _OF_ANY_SERVER or (before.is_standin and after.is_standin and name in _OF_THE_STANDIN)
    if old is not None and any(UNKNOWN in value for value in old.values):
        hidden = "its recorded value was struck out"
        return (ChangeEffect.NOT_MODELLED, hidden) if is_modelled else (ChangeEffect.NOT_COMPARED, hidden)
    if before.is_standin and after.is_standin and name in standin_pace.WITHOUT_EFFECT:
        return ChangeEffect.WITHOUT_EFFECT, None
    if not is_modelled:
        return ChangeEffect.NOT_MODELLED, None
    if name == MAX_NUM_SEQS and not after.is_standin and (after.slots is None or before.slots is None):
        return ChangeEffect.NOT_MODELLED, "the server's default is not known; state the flag in both"
    return ChangeEffect.MODELLED, None


def under_flags(scenario: Scenario, recorded: Document, changed: Document, output_tokens: float) -> Scenario:
    """The scenario with what the new flags change; an answer of the run had so many tokens on average. Raises SpecError
    for a value that the stand-in would refuse."""
    before, after = flags_of_test(recorded), flags_of_test(changed)
    graced = replace(scenario, grace_seconds=grace_seconds(changed)) if before.number(SHUTDOWN_TIMEOUT) != after.number(
        SHUTDOWN_TIMEOUT) else scenario
    if not after.is_standin:
        slots = after.slots
        return graced if slots in (None, before.slots) else replace(
            graced, capacity=replace(graced.capacity, slots=slots or graced.capacity.slots))
    return _under_standin(graced, before, after, output_tokens)


def _under_standin(scenario: Scenario, before: ServerFlags, after: ServerFlags, output_tokens: float) -> Scenario:
    old, new = (standin_pace.standin_capacity(flags, output_tokens) for flags in (before, after))
    later = standin_pace.standin_startup_seconds(after) - standin_pace.standin_startup_seconds(before)
    starts = tuple(max(0.0, seconds + later) for seconds in scenario.cold_starts) if later else scenario.cold_starts
    return replace(scenario, capacity=_moved(scenario.capacity, old, new), cold_starts=starts,
                   pending_seconds=min(scenario.pending_seconds, starts[0]))


def _moved(fitted: Capacity, old: Capacity, new: Capacity) -> Capacity:
    """The fitted capacity, each number moved by what the flags say it moves; one that was not fitted stays unknown."""
    moved = {}
    for field in fields(Capacity):
        values = [getattr(one, field.name) for one in (fitted, old, new)]
        if all(isinstance(value, (int, float)) for value in values) and values[1] != values[2]:
            moved[field.name] = type(values[0])(max(0, values[0] + values[2] - values[1]))
    if "decode_seconds" in moved:
        moved["decode_seconds"] = max(_LEAST_DECODE_SECONDS, moved["decode_seconds"])
    return replace(fitted, **moved)
