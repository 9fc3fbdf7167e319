"""All checks of one task for one row of its data. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from elastometer_loadgen.base.template import render
from elastometer_loadgen.checks.check import Check, CheckedAnswer, CheckType, is_whole_text
from elastometer_loadgen.checks.crosstalk import SHAPES, CrosstalkCheck, form_of
from elastometer_loadgen.checks.json import JSONSchemaCheck
from elastometer_loadgen.checks.text import LabelCheck, RecallCheck

# Checks that apply only to the answer to a conversation's last message.
OF_THE_LAST_TURN = (*SHAPES, CheckType.RECALL)
Findings = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Contract:
    """All checks that apply to the answer of one request."""

    checks: tuple[Check, ...]
    crosstalk: CrosstalkCheck | None = None

    @property
    def needs_text(self) -> bool:
        """False when token counts and the ending are enough."""
        textless = (CheckType.MINIMUM_TOKENS, CheckType.TRUNCATION)
        return self.crosstalk is not None or any(check.type not in textless for check in self.checks)

    def judge(self, answer: CheckedAnswer) -> Findings:
        """Failure or None by check; checks that cannot judge this answer are absent."""
        found: Findings = {check.type.value: check.failure(answer) for check in self.checks if check.judges(answer)}
        if self.crosstalk is not None and is_whole_text(answer):
            form = form_of(answer, self.checks, found)
            failure = self.crosstalk.failure(answer, form)
            if failure is not None or self.crosstalk.tells(answer, form):
                found[CheckType.CROSSTALK.value] = failure
        return found

    def before_the_last_turn(self) -> "Contract | None":
        """The checks of a conversation's earlier answers: no shape and no fact, and of cross-talk only the marks."""
        checks = tuple(check for check in self.checks if check.type not in OF_THE_LAST_TURN)
        crosstalk = None if self.crosstalk is None else replace(self.crosstalk, others=(), has_free_others=False)
        return Contract(checks, crosstalk) if checks or crosstalk else None


def bind(check: Check, row: Mapping[str, str]) -> Check:
    """The check with the row's values in its templates."""
    match check:
        case LabelCheck(expected=str(expected)):
            return replace(check, expected=render(expected, row))
        case RecallCheck(fact=fact):
            return replace(check, fact=render(fact, row))
        case JSONSchemaCheck():
            return check.with_row(row)
        case _:
            return check


def shape_of(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """The checks that distinguish a task's answers from another task's: any label of the set, any fitting document."""
    return tuple(
        replace(check, expected=None) if isinstance(check, LabelCheck) else check
        for check in checks
        if check.type in SHAPES
    )
