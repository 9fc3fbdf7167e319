"""Up to which level all objectives held, said so that neither users and requests per second nor noise are mixed up."""
from __future__ import annotations

from collections.abc import Sequence

from elastometer.analysis.levels.limit_words import limit_text
from elastometer.analysis.levels.outcome import failures_of, is_within_noise
from elastometer.model.levels import LevelRow, RecommendedLimit, ladders
from elastometer.model.verdict import Verdict

# How much slower than at the Baseline a level may be that is served best.
BEST_PERCENT = 10.0
NO_BASELINE = "no stage has the role Baseline"


def recommended_limits(rows: Sequence[LevelRow]) -> tuple[RecommendedLimit, ...]:
    """One for each ladder of at least two judged levels, that with the most levels first. Where a Knee searched for the
    limit, stages that hold the same kind of level for other reasons have none."""
    found = ladders([row for row in rows if row.verdict is not Verdict.NOT_JUDGED])
    searched = {ladder[0].of for ladder in found if ladder[0].is_step}
    return tuple(_limit(ladder, rows) for ladder in found if ladder[0].is_step or ladder[0].of not in searched)


def _limit(ladder: Sequence[LevelRow], rows: Sequence[LevelRow]) -> RecommendedLimit:
    """Of several rows of one level all must hold."""
    first_bad = next((row.level for row in ladder if row.verdict is not Verdict.PASS), None)
    held = [row for row in ladder if first_bad is None or (row.level or 0) < first_bad]
    bad = [row for row in ladder if row.level == first_bad and row.verdict is not Verdict.PASS]
    last = held[-1] if held else None
    undecided = _undecided(held, bad)
    failures = tuple(dict.fromkeys(text for row in bad for text in failures_of(row)))
    best, reason = _best_experience(ladder, rows)
    return RecommendedLimit(
        of=ladder[0].of, level=None if last is None else last.level, stage=(last or ladder[0]).stage,
        levels=tuple(dict.fromkeys(row.level for row in ladder if row.level is not None)),
        requests_per_second=None if last is None else last.requests_per_second, next_level=first_bad,
        failures=failures, undecided=undecided,
        text=limit_text(ladder, last, bad, failures, undecided), soak=_soak(ladder, rows),
        best_experience=best, best_experience_reason=reason)


def _undecided(held: Sequence[LevelRow], bad: Sequence[LevelRow]) -> tuple[int, ...]:
    """The limit and the levels next to it that another run could find to be the limit."""
    levels = {row.level for row in held[-1:]}
    below = [row.level for row in held if row.level not in levels]
    if held and any(is_within_noise(row) for row in held if row.level in levels) and below:
        levels.add(below[-1])
    if bad and all(is_within_noise(row) for row in bad):
        levels.add(bad[0].level)
    found = sorted(level for level in levels if level is not None)
    return tuple(found) if len(found) > 1 else ()


def _soak(ladder: Sequence[LevelRow], rows: Sequence[LevelRow]) -> int | None:
    """The row of the soak of this ladder's search, if all objectives held through it."""
    return next((number for number, row in enumerate(rows) if row.is_soak and row.stage == ladder[0].stage
                 and row.verdict is Verdict.PASS), None)


def _best_experience(ladder: Sequence[LevelRow], rows: Sequence[LevelRow]) -> tuple[int | None, str | None]:
    """(number of the row, or None, and why there is none)."""
    base = next((row for row in rows if row.is_baseline), None)
    if base is None:
        return None, NO_BASELINE
    if base.latency.p95 is None:
        return None, f"nothing was served at the Baseline '{base.stage}'"
    found: LevelRow | None = None
    for row in ladder:
        if row.latency.p95 is None or row.latency.p95 > base.latency.p95 * (1 + BEST_PERCENT / 100):
            break
        found = row
    if found is None:
        return None, f"at the lowest level P95 is more than {BEST_PERCENT:.0f} % above the Baseline's"
    return rows.index(found), None
