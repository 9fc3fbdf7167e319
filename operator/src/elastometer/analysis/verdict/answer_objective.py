"""The share of answers that pass a check, against its bound.

All answers of this run are counted, and their share is judged as measured, as that of served requests is. The interval
next to it states what another run of the same kind might show; it does not change the verdict.
"""
from __future__ import annotations

import polars as pl

from elastometer.analysis.requests.answers import answers_to, failure_rate
from elastometer.analysis.verdict.scope import where
from elastometer.model.in_words import plural
from elastometer.model.report import Verdict
from elastometer.model.terms import Objective
from elastometer.statistics.rates import decimals_of, meets, truncated_percent


def judge_answers(objective: Objective, table: pl.DataFrame) -> tuple[Verdict, str, float | None, int]:
    """(verdict, sentence, percentage that passed, answers judged); the requests are those in its scope."""
    check, bound, at = objective.check, objective.minimum_percent, where(objective)
    judged = answers_to(table, check)
    name, count = f"`answer check {check}`", len(judged)
    if not count or bound is None or check is None:
        why = f"the check could judge none of the answers to {plural(len(table), 'request')}" if len(table) else \
            "no request was recorded"
        return Verdict.INCONCLUSIVE, f"{name} cannot be judged{at}: {why}", None, count
    failed = judged["failure"].count()
    decimals = decimals_of(bound)
    percent = truncated_percent(count - failed, count, decimals)
    met = meets(count - failed, count, bound)
    rule = f"meets {bound} %" if met else f"is below {bound} %"
    # A task without this check has no answers that could be judged.
    requests = table.join(judged.select("task").unique(), on="task", how="semi").height
    of = f"n={count}" if count == requests else f"n={count} of {plural(requests, 'request')}"
    message = f"{name} {percent:.{decimals}f} % {rule}{at} ({of}, {failed} failed, {_interval(failed, count, bound)})"
    return Verdict.PASS if met else Verdict.FAIL, message, percent, count


def _interval(failed: int, judged: int, bound: float) -> str:
    rate = failure_rate(failed, judged)
    low, high = 100 - rate.high_percent, 100 - rate.low_percent
    doubt = "; the bound lies within it: another run could get another verdict" if low < bound <= high else ""
    return f"95 % interval {low:.2f} to {high:.2f} %{doubt}"

