"""All checks of one task for one row of its data, and the check for answers that belong to another request. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from elastometer_loadgen.base.template import render
from elastometer_loadgen.checks.check import CANARY, Check, CheckedAnswer, CheckType, Failure, is_whole_text
from elastometer_loadgen.checks.json import JSONCheck
from elastometer_loadgen.checks.text import LabelCheck, RecallCheck

# Checks that give an answer a recognisable shape, so that it can be found in the place of another task's answer.
SHAPES = (CheckType.LABEL, CheckType.JSON, CheckType.JSON_SCHEMA)
# Checks that apply only to the answer to a conversation's last message.
OF_THE_LAST_TURN = (*SHAPES, CheckType.RECALL)
Findings = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class CrosstalkCheck:
    """The answer does not carry another request's mark, and does not fit another task's shape instead of its own.

    `others` are the shapes of the other tasks; `is_of_this_run` distinguishes a mark that was given out from one that
    the model garbled.
    """

    others: tuple[tuple[Check, ...], ...]
    is_of_this_run: Callable[[str], bool]

    def failure(self, answer: CheckedAnswer, *, fits_own: bool) -> Failure | None:
        """Marks first: they prove whose answer it is."""
        foreign = [mark for mark in CANARY.findall(answer.text or "") if mark != answer.canary]
        if foreign:
            known = any(self.is_of_this_run(mark) for mark in foreign)
            return Failure.FOREIGN_CANARY if known else Failure.UNKNOWN_CANARY
        if not fits_own and any(_fits(shape, answer) for shape in self.others):
            return Failure.OTHER_TASK
        return None


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
            shape = [found[kind.value] for kind in SHAPES if kind.value in found]
            # A wrong label from the task's own set is still an answer to this task.
            fits_own = bool(shape) and all(failure in (None, Failure.WRONG_LABEL) for failure in shape)
            found[CheckType.CROSSTALK.value] = self.crosstalk.failure(answer, fits_own=fits_own)
        return found

    def before_the_last_turn(self) -> "Contract | None":
        """The checks of a conversation's earlier answers: no shape and no fact, and of cross-talk only the marks."""
        checks = tuple(check for check in self.checks if check.type not in OF_THE_LAST_TURN)
        crosstalk = None if self.crosstalk is None else replace(self.crosstalk, others=())
        return Contract(checks, crosstalk) if checks or crosstalk else None


def bind(check: Check, row: Mapping[str, str]) -> Check:
    """The check with the row's values in its templates."""
    match check:
        case LabelCheck(expected=str(expected)):
            return replace(check, expected=render(expected, row))
        case RecallCheck(fact=fact):
            return replace(check, fact=render(fact, row))
        case _:
            return check


def shape_of(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """The checks that distinguish a task's answers from another task's: any label of the set, any fitting document."""
    return tuple(
        replace(check, expected=None) if isinstance(check, LabelCheck) else check
        for check in checks
        if check.type in SHAPES
    )


def _fits(shape: tuple[Check, ...], answer: CheckedAnswer) -> bool:
    """True when the answer has the shape. A lone number or word is JSON too, but does not identify a task."""
    if all(isinstance(check, JSONCheck) for check in shape) and not answer.content.lstrip().startswith(("{", "[")):
        return False
    return all(check.failure(answer) is None for check in shape)
