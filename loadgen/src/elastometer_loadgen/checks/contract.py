"""All checks of one task for one row of its data, and the look for answers that belong to somebody else. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from elastometer_loadgen.base.template import render
from elastometer_loadgen.checks.check import CANARY, Check, CheckType, Failure, Said, is_whole_text
from elastometer_loadgen.checks.json import JSONCheck
from elastometer_loadgen.checks.text import LabelCheck, RecallCheck

# What gives an answer a shape of its own, by which it is known in another task's place.
SHAPES = (CheckType.LABEL, CheckType.JSON, CheckType.JSON_SCHEMA)
# What only the answer to the last message of a conversation is asked for.
OF_THE_LAST_TURN = (*SHAPES, CheckType.RECALL)
Findings = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class CrosstalkCheck:
    """The answer carries no other request's mark and does not fit another task's shape in place of its own.

    `others` are the shapes of the other tasks; `is_of_this_run` tells a mark that was given out from one that a
    model garbled.
    """

    others: tuple[tuple[Check, ...], ...]
    is_of_this_run: Callable[[str], bool]

    def failure(self, said: Said, *, fits_own: bool) -> Failure | None:
        """Marks first: they prove whose answer it is."""
        strange = [mark for mark in CANARY.findall(said.text or "") if mark != said.canary]
        if strange:
            known = any(self.is_of_this_run(mark) for mark in strange)
            return Failure.FOREIGN_CANARY if known else Failure.UNKNOWN_CANARY
        if not fits_own and any(_fits(shape, said) for shape in self.others):
            return Failure.OTHER_TASK
        return None


@dataclass(frozen=True, slots=True)
class Contract:
    """What one request's answer is held to."""

    checks: tuple[Check, ...]
    crosstalk: CrosstalkCheck | None = None

    @property
    def needs_text(self) -> bool:
        """False when token counts and the ending suffice."""
        textless = (CheckType.MINIMUM_TOKENS, CheckType.TRUNCATION)
        return self.crosstalk is not None or any(check.type not in textless for check in self.checks)

    def judge(self, said: Said) -> Findings:
        """Failure or None by check; checks that cannot judge this answer are not there."""
        found: Findings = {check.type.value: check.failure(said) for check in self.checks if check.judges(said)}
        if self.crosstalk is not None and is_whole_text(said):
            shape = [found[kind.value] for kind in SHAPES if kind.value in found]
            # The wrong one of the right labels is this task's answer all the same.
            fits_own = bool(shape) and all(failure in (None, Failure.WRONG_LABEL) for failure in shape)
            found[CheckType.CROSSTALK.value] = self.crosstalk.failure(said, fits_own=fits_own)
        return found

    def before_the_last_turn(self) -> "Contract | None":
        """What the earlier answers of a conversation are held to: no shape, no fact, and of others' answers no mark."""
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
    """The part of a task's checks that tells its answers from another's: any label of the set, any document."""
    return tuple(
        replace(check, expected=None) if isinstance(check, LabelCheck) else check
        for check in checks
        if check.type in SHAPES
    )


def _fits(shape: tuple[Check, ...], said: Said) -> bool:
    """A lone number or word is JSON too, but nobody's answer is known by that."""
    if all(isinstance(check, JSONCheck) for check in shape) and not said.content.lstrip().startswith(("{", "[")):
        return False
    return all(check.failure(said) is None for check in shape)
