"""The mean of a latency against its bound.

It is the mean over the requests that have a value; how many have none is said beside it, since no number stands for how
long they would have taken. The interval says what another run of the same kind might show, and changes no verdict.
"""
from __future__ import annotations

import polars as pl

from elastometer.analysis.verdict.scope import where
from elastometer.model.estimates import Mean
from elastometer.model.in_words import plural
from elastometer.model.terms import Objective
from elastometer.model.units import to_milliseconds
from elastometer.model.verdict import Verdict
from elastometer.statistics.means import mean_by_blocks


def judge_mean(
    objective: Objective, word: str, values: pl.Series, buffered: int,
) -> tuple[Verdict, str, float | None, int]:
    """(verdict, sentence, milliseconds, requests with a value). `values` are nanoseconds in order of time, null where
    there is none; `buffered` streams have no pace, since their tokens came together."""
    bound, known = objective.maximum_milliseconds, values.drop_nulls().cast(pl.Float64)
    found, name = mean_by_blocks(known.to_list()), f"`{word}` mean"
    if found.value is None or bound is None:
        why = f"none of {plural(len(values), 'request')} has a value"
        return Verdict.INCONCLUSIVE, f"{name} cannot be judged{where(objective)}: {why}", None, 0
    measured = to_milliseconds(found.value)
    # At best their tokens took no time at all, and then the mean is this much lower.
    if buffered and measured * len(known) / (len(known) + buffered) <= bound:
        message = (f"{name} cannot be judged{where(objective)}: the tokens of {buffered} of "
                   f"{plural(len(values), 'request')} arrived together (mean of the other {len(known)}: "
                   f"{measured:.0f} ms)")
        return Verdict.INCONCLUSIVE, message, measured, len(known)
    is_met = measured <= bound
    rule = f"is within {bound} ms" if is_met else f"exceeds {bound} ms"
    missing = len(values) - len(known)
    left_out = f"; {plural(missing, 'request')} without a value left out" if missing else ""
    message = f"{name} {measured:.0f} ms {rule}{where(objective)} (n={len(known)}{_interval(found, bound)}{left_out})"
    return Verdict.PASS if is_met else Verdict.FAIL, message, measured, len(known)


def _interval(found: Mean, bound: int) -> str:
    if found.value is None or found.plus_minus is None:
        return ""
    low, high = (to_milliseconds(found.value + side * found.plus_minus) for side in (-1, 1))
    doubt = "; the bound lies within it: another run could get another verdict" if low <= bound < high else ""
    return f", 95 % interval {low:.0f} to {high:.0f} ms{doubt}"
