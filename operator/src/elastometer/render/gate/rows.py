"""What a gate found, as rows of text that every form shares."""
from __future__ import annotations

from elastometer.model.comparison import GateState
from elastometer.model.gating import ChangeEffect, FieldChange, GateAnswer, GateGroup, GateRow
from elastometer.model.measures import BY_NAME
from elastometer.model.tuning import PredictedFigure
from elastometer.study.gate.words import signed, signed_range

Row = tuple[str, ...]
STATES = {GateState.HELD: "Held", GateState.REGRESSED: "Regressed", GateState.CANNOT_TELL: "Cannot tell"}
EFFECTS = {
    ChangeEffect.MODELLED: "replayed", ChangeEffect.WITHOUT_EFFECT: "without effect on the run",
    ChangeEffect.NOT_COMPARED: "not compared: struck out as a secret", ChangeEffect.NOT_MODELLED: "not modelled",
    ChangeEffect.OTHER_QUESTION: "another question",
}
CHANGES_HEAD: Row = ("field", "recorded", "new", "")
ROWS_HEAD: Row = ("measure", "measured", "predicted as recorded", "predicted with the change", "change", "own error",
                  "allowed", "")


def headline(answer: GateAnswer, spec: str) -> str:
    """The answer in one line."""
    return f"{spec}: {STATES[answer.state]}: {answer.message}"


def change_row(change: FieldChange) -> Row:
    """One field that differs."""
    effect = EFFECTS[change.effect]
    return (change.path, change.before or "absent", change.after or "absent",
            f"{effect} ({change.reason})" if change.reason else effect)


def figures_row(row: GateRow) -> Row:
    """One measure with all its numbers."""
    return (f"{BY_NAME[row.measure].title}", f"{row.measured:,.0f}", _range(row.recorded), _range(row.changed),
            signed_range(row), f"± {row.error:,.0f}",
            signed(row.allowed), STATES[row.state])


def _range(figure: PredictedFigure) -> str:
    return f"{figure.median:,.0f} ({figure.low:,.0f} to {figure.high:,.0f})"


def about(group: GateGroup) -> list[str]:
    """What the figures of a group are, or why there are none, and what the twin assumed."""
    lines = [] if group.reason is None else [f"cannot tell: {group.reason}"]
    if group.rows:
        runs = "the run" if len(group.runs) == 1 else f"the mean of {len(group.runs)} runs"
        lines.append(f"figures are of {runs} over {group.draws} random draws: the median, for the change the mean, "
                     "with lowest and highest; the own error is how far the simulator is from what was measured")
    return [*lines, *(f"note: {note}" for note in group.notes)]
