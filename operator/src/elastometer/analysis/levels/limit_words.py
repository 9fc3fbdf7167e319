"""The recommended limit in a sentence."""
from __future__ import annotations

from collections.abc import Sequence

from elastometer.model.in_words import count
from elastometer.model.levels import LEVEL_WORDS, LevelOf, LevelRow
from elastometer.model.verdict import Verdict


def level_words(of: LevelOf, level: float | None) -> str:
    """50 in flight, 50 users, 50 requests/s offered."""
    shown = "an unknown number" if level is None else count(level)
    is_one_user = of is LevelOf.USERS and level == 1
    return f"{shown} user" if is_one_user else f"{shown} {LEVEL_WORDS[of]}"


def limit_text(
    ladder: Sequence[LevelRow], last: LevelRow | None, bad: Sequence[LevelRow], failures: Sequence[str],
    undecided: Sequence[int],
) -> str:
    """Without its full stop: the limit with its rate, what fails above it, and between which levels noise forbids a
    choice."""
    text = _held(ladder, last, bad)
    if bad:
        text += f". {_next(bad)}: {'; '.join(failures)}"
    if undecided:
        text += f". Noise forbids a choice between {_listed(undecided)}"
    return text


def _held(ladder: Sequence[LevelRow], last: LevelRow | None, bad: Sequence[LevelRow]) -> str:
    of, lowest = ladder[0].of, ladder[0].level
    if last is None:
        return f"Not even {level_words(of, lowest)}, the lowest level, held all objectives"
    rate = "" if last.requests_per_second is None else f", which was {_rate(last)}"
    if not bad:
        return f"At least {level_words(of, last.level)}{rate}: all objectives held at every level, and no higher one " \
               "was tried"
    return f"At most {level_words(of, last.level)}{rate}: all objectives held there and below"


def _rate(row: LevelRow) -> str:
    served = f"{row.requests_per_second:,.1f}" if row.requests_per_second is not None else "an unknown number of"
    spread = "" if row.requests_per_second_plus_minus is None else f" ± {row.requests_per_second_plus_minus:.1f}"
    return f"{served}{spread} requests/s served"


def _next(bad: Sequence[LevelRow]) -> str:
    verb = "fails" if any(row.verdict is Verdict.FAIL for row in bad) else "could not be judged"
    return f"{count(bad[0].level or 0)} {verb}"


def _listed(levels: Sequence[int]) -> str:
    return f"{', '.join(count(level) for level in levels[:-1])} and {count(levels[-1])}"
