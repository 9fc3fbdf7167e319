"""Levels in words: what each counts, which must never be mixed up."""
from __future__ import annotations

from elastometer.model.levels import LevelOf, LevelRow
from elastometer.render.wording import numbers

OF_WORDS = {LevelOf.IN_FLIGHT: "in flight", LevelOf.USERS: "users", LevelOf.RATE: "requests/s offered"}


def level_name(row: LevelRow) -> str:
    """50 users; 100 users, soak."""
    shown = numbers.number(row.level)
    return f"{shown} {OF_WORDS[row.of]}" + (", soak" if row.is_soak else "") + (", Baseline" if row.is_baseline else "")
