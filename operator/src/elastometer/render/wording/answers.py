"""What was found in the answers, as text: one place for HTML, Markdown and JUnit. A rate of nothing is NoData."""
from __future__ import annotations

from collections.abc import Sequence

from elastometer.model.answers import AnswerRow
from elastometer.model.in_words import plural
from elastometer.render.wording import numbers

NO_DATA = "NoData"
SOURCE = "judged by the load generator as they arrived and counted from the request records; rates are of the " \
         "answers that a check could judge, with the Wilson interval at 95 %"
HEAD = ("Stage", "Task", "Check", "Failure rate", "95 % interval", "Failed", "Judged", "Failures", "For example")


def totals(rows: Sequence[AnswerRow]) -> list[AnswerRow]:
    """One per check."""
    return [row for row in rows if row.stage is None]


def judged(row: AnswerRow) -> str:
    """How many answers, and of how many requests where that is another number."""
    of = "" if row.judged == row.requests else f" of {numbers.number(row.requests)}"
    return numbers.number(row.judged) + of


def rate(row: AnswerRow) -> str:
    """The share of failed answers."""
    return NO_DATA if row.rate is None else f"{percent(row.rate.percent)} %"


def interval(row: AnswerRow) -> str:
    """From and to; of no failure and of nothing else, the one bound that is left."""
    if row.rate is None:
        return numbers.DASH
    low, high = percent(row.rate.low_percent), percent(row.rate.high_percent)
    if row.failed == 0:
        return f"at most {high} %"
    return f"at least {low} %" if row.failed == row.judged else f"{low} – {high} %"


def percent(value: float) -> str:
    """Two decimals; a share too small for them is not rounded to nothing."""
    return f"{value:.2f}" if value == 0 or value >= 0.01 else f"{value:.1g}"


def failures(row: AnswerRow) -> str:
    """The most frequent, and how many were of other kinds."""
    named = [f"{name} {numbers.number(count)}" for name, count in row.failures.items()]
    others = [f"{numbers.number(row.other_failures)} of other kinds"] if row.other_failures else []
    return ", ".join(named + others) or numbers.DASH


def examples(row: AnswerRow) -> str:
    """Requests that failed, by the mark under which requests.parquet and the fingerprint lines have them."""
    return ", ".join(f"{one.request} at {one.seconds:+.1f} s" for one in row.examples) or numbers.DASH


def total_sentence(row: AnswerRow) -> str:
    """A check over the whole run, on one line."""
    if row.rate is None:
        return f"{NO_DATA}: none of {plural(row.requests, 'request')} could be judged"
    return f"{numbers.number(row.failed)} of {plural(row.judged, 'answer')} failed ({rate(row)}, " \
           f"95 % interval {interval(row)}): {failures(row)}"
