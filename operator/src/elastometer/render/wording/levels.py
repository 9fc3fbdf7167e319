"""Levels in words: what each counts, which must never be mixed up."""
from __future__ import annotations

from elastometer.model.levels import LEVEL_WORDS, LevelRow
from elastometer.render.wording import numbers


def level_name(row: LevelRow) -> str:
    """50 users; 100 users, soak."""
    marks = (", soak" if row.is_soak else "") + (", Baseline" if row.is_baseline else "")
    return f"{numbers.number(row.level)} {LEVEL_WORDS[row.of]}{marks}"
