"""What a gate says, as sentences."""
from __future__ import annotations

from collections.abc import Sequence

from elastometer.model.comparison import GateState
from elastometer.model.gating import ChangeEffect, FieldChange, GateGroup, GateRow
from elastometer.model.measures import BY_NAME

_REFUSALS = {
    ChangeEffect.NOT_MODELLED: "is not modelled",
    ChangeEffect.OTHER_QUESTION: "asks another question, since load and objectives must be those of the recorded runs",
}


def refusal(change: FieldChange) -> str:
    """Why a changed field keeps the recorded runs from answering."""
    why = f" ({change.reason})" if change.reason else ""
    values = "" if change.before is None and change.after is None else \
        f"; it was {change.before or 'absent'} and is {change.after or 'absent'}"
    return f"{change.path} {_REFUSALS[change.effect]}{why}{values}"


def row_message(row: GateRow) -> str:
    """What is predicted of one measure, with the rule and all numbers."""
    said = f"{BY_NAME[row.measure].title}: predicted to change by {signed_range(row)}"
    error = f"the twin's own error on these runs, ± {row.error:,.0f}"
    match row.state:
        case GateState.HELD:
            return f"{said}; {signed(row.allowed)} is allowed"
        case GateState.REGRESSED:
            return f"{said}, which is above the {signed(row.allowed)} allowed by more than {error}"
        case _ if row.expected <= row.allowed:
            low, high = (f"{value:,.0f}" for value in (row.recorded.low, row.recorded.high))
            return f"{said}, but the twin does not reproduce these runs: {row.measured:,.0f} were measured, {low} to " \
                   f"{high} predicted"
        case _:
            return f"{said}, which is above the {signed(row.allowed)} allowed, but not by more than {error}"


def signed_range(row: GateRow) -> str:
    """The expected change with its range over chance."""
    return f"{signed(row.expected)} ({signed(row.change.low)} to {signed(row.change.high)})"


def signed(value: float) -> str:
    """With its sign; a small one with a decimal, so that what is above 0 is never shown as 0."""
    return f"{value:+,.0f}" if abs(value) >= 10 or value == round(value) else f"{value:+,.1f}"


def message(state: GateState, groups: Sequence[GateGroup]) -> str:
    """The sentence of the whole answer: that of the first group that decided it."""
    group = next(one for one in groups if one.state is state)
    rows = [row.message for row in group.rows if row.state is state] or [group.reason or ""]
    where = "" if len(groups) == 1 else f"{', '.join(group.runs)}: "
    return where + "; ".join(rows)
