"""The check for answers that belong to another request: by the marks in them, and by the form of their task. Pure.

It judges only answers of which it can tell whose they are: by a mark, which proves it, or by a form that the answers of
other tasks do not have. All others are absent from its counts, so that its rate is a share of what can be attributed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from elastometer_loadgen.checks.check import CANARY, Check, CheckedAnswer, CheckType, Failure
from elastometer_loadgen.checks.json import JSONCheck
from elastometer_loadgen.checks.text import LabelCheck

# Checks that give an answer a recognisable shape, so that it can be found in the place of another task's answer.
SHAPES = (CheckType.LABEL, CheckType.JSON, CheckType.JSON_SCHEMA)


class Form(Enum):
    """How an answer looks beside the shape of its own task."""

    FREE = auto()
    """The task's answers have no shape."""
    FITS = auto()
    """It has the shape; a wrong label from the task's own set is still an answer to this task."""
    HOLDS_LABEL = auto()
    """It holds one of the task's labels, in another letter case or within other text."""
    PROSE = auto()
    """It holds no label of its task and is longer than any of them."""
    BROKEN = auto()
    """None of these, such as JSON that does not fit: a failure of the model, which says nothing about whose it is."""


@dataclass(frozen=True, slots=True)
class CrosstalkCheck:
    """The answer does not carry another request's mark, and does not look like another task's instead of its own.

    `others` are the shapes of the other tasks that have one; `has_free_others` says whether there are tasks without.
    `is_of_this_run` distinguishes a mark that was given out from one that the model garbled.
    """

    others: tuple[tuple[Check, ...], ...]
    is_of_this_run: Callable[[str], bool]
    has_free_others: bool = False

    def failure(self, answer: CheckedAnswer, form: Form) -> Failure | None:
        """Marks first: they prove whose answer it is."""
        foreign = [mark for mark in CANARY.findall(answer.text or "") if mark != answer.canary]
        if foreign:
            known = any(self.is_of_this_run(mark) for mark in foreign)
            return Failure.FOREIGN_CANARY if known else Failure.UNKNOWN_CANARY
        if form is not Form.FITS and any(_fits(shape, answer) for shape in self.others):
            return Failure.OTHER_TASK
        if form is Form.PROSE and self.has_free_others and not _carries_its_mark(answer):
            return Failure.OTHER_TASK
        return None

    def tells(self, answer: CheckedAnswer, form: Form) -> bool:
        """Whether an answer without a failure is known to be its own: by its mark, or by its form."""
        if _carries_its_mark(answer):
            return True
        match form:
            case Form.FREE:
                return bool(self.others) and not self.has_free_others
            case Form.FITS:
                return self._has_others and not any(_fits(shape, answer) for shape in self.others)
            case Form.HOLDS_LABEL:
                return self._has_others and not any(_has_labels(shape) for shape in self.others)
            case Form.PROSE | Form.BROKEN:
                return False

    @property
    def _has_others(self) -> bool:
        return bool(self.others) or self.has_free_others


def form_of(answer: CheckedAnswer, checks: tuple[Check, ...], found: Mapping[str, str | None]) -> Form:
    """From the task's checks and what they found in this answer."""
    shape = [found[kind.value] for kind in SHAPES if kind.value in found]
    if not shape:
        return Form.FREE
    if all(failure in (None, Failure.WRONG_LABEL) for failure in shape):
        return Form.FITS
    label = found.get(CheckType.LABEL.value)
    if label in (Failure.LABEL_CASE, Failure.LABEL_IN_TEXT):
        return Form.HOLDS_LABEL
    longest = max((len(one) for check in checks if isinstance(check, LabelCheck) for one in check.labels), default=0)
    is_prose = label == Failure.UNKNOWN_LABEL and len(answer.content.strip()) > longest
    return Form.PROSE if is_prose else Form.BROKEN


def _carries_its_mark(answer: CheckedAnswer) -> bool:
    return bool(answer.canary) and answer.canary in (answer.text or "")


def _has_labels(shape: tuple[Check, ...]) -> bool:
    return any(isinstance(check, LabelCheck) for check in shape)


def _fits(shape: tuple[Check, ...], answer: CheckedAnswer) -> bool:
    """True when the answer has the shape. A lone number or word is JSON too, but does not identify a task."""
    if all(isinstance(check, JSONCheck) for check in shape) and not answer.content.lstrip().startswith(("{", "[")):
        return False
    return all(check.failure(answer) is None for check in shape)
