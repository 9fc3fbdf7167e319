"""What was wrong with the answers, by stage, task and check, counted from the request records.

The load generator judged each answer when it came and counts with the same tally; nothing is judged again here. An
answer that a check could not judge is in no rate, and a check that judged no answers has no rate at all.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.answers import AnswerRow, FailedAnswer, FailureRate
from elastometer.model.estimates import Rate
from elastometer.model.terms import Terms
from elastometer.statistics.rates import rate
from elastometer_loadgen.checks.check import Failure

# Failures contain names of fields, which come from schemas and, within limits, from models: there may be very many.
FAILURES_SHOWN = 6
EXAMPLES_SHOWN = 3
_FOREIGN = (Failure.FOREIGN_CANARY.value, Failure.OTHER_TASK.value)
Key: TypeAlias = tuple[str, str, str]


@dataclass(slots=True)
class _Part:
    """What is known about one stage, task and check, or about several together. `failed` has (row, failure) of the
    first answers that failed, and of the first one of each kind of failure."""

    requests: int = 0
    judged: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[int, str]] = field(default_factory=list)


def failure_rate(failed: int, judged: int) -> FailureRate:
    """In percent; `judged` must be at least 1."""
    found = rate(failed, judged)
    return FailureRate(found.percent, found.interval.low, found.interval.high)


def answer_rows(evidence: Evidence) -> tuple[AnswerRow, ...]:
    """A row per stage, task and check that had requests, then a total per check; no rows where there are no checks."""
    parts = _parts(evidence)
    checks = dict.fromkeys([*(check for _, check in evidence.terms.checks), *(check for _, _, check in parts)])
    rows = (_row(stage, task, check, part, evidence) for (stage, task, check), part in parts.items())
    totals = (
        _row(None, None, check, _total([part for key, part in parts.items() if key[2] == check]), evidence)
        for check in checks
    )
    return (*rows, *totals)


def answers_to(table: pl.DataFrame, check: str | None = None) -> pl.DataFrame:
    """One row for each answer and check that could judge it: `row` of the request, `stage`, `task`, `check` and
    `failure`, null where the answer passed."""
    judged = table.lazy().with_row_index("row").filter(pl.col("checks").list.len() > 0) \
        .select("row", "stage", "task", "checks").explode("checks").unnest("checks")
    return (judged if check is None else judged.filter(pl.col("check") == check)).collect()


def failed_share(table: pl.DataFrame) -> Rate | None:
    """The answers that failed a check, of those that any check could judge: each counts once. None without any."""
    checks = pl.col("checks").list
    judged, failed = table.select(
        (checks.len() > 0).sum().alias("judged"),
        checks.eval(pl.element().struct.field("failure").is_not_null()).list.any().sum().alias("failed")).row(0)
    return rate(failed, judged) if judged else None


def failed_own_share(table: pl.DataFrame) -> Rate | None:
    """As `failed_share`, without the answers that belong to another request or task: they say nothing of what their own
    request was. Failures at a single length of several are those of one text, and count as none."""
    answers = answers_to(table)
    foreign = answers.filter(pl.col("failure").is_in(_FOREIGN))["row"].unique()
    judged = answers.filter(~pl.col("row").is_in(foreign.implode()))
    failed = judged.filter(pl.col("failure").is_not_null())["row"].unique()
    lengths = table["input_characters"]
    is_one_text = lengths[failed].n_unique() == 1 < lengths.drop_nulls().n_unique()
    count = judged["row"].n_unique()
    return rate(0 if is_one_text else len(failed), count) if count else None


def _parts(evidence: Evidence) -> dict[Key, _Part]:
    """In order of the stages and tasks as their first requests came, then of the checks as the test lists them."""
    sent: dict[tuple[str, str], int] = {
        (stage, task): count for stage, task, count
        in evidence.table.group_by("stage", "task", maintain_order=True).len().iter_rows()}
    judged = _judged(answers_to(evidence.table))
    tasks = list(dict.fromkeys(task for _, task in sent))
    stages = list(dict.fromkeys(stage for stage, _ in sent))
    groups = sorted(sent, key=lambda pair: (stages.index(pair[0]), tasks.index(pair[1])))
    parts: dict[Key, _Part] = {}
    for key in _keys(groups, list(judged), evidence.terms):
        parts[key] = judged.get(key, _Part())
        parts[key].requests = sent[key[:2]]
    return parts


def _judged(answers: pl.DataFrame) -> dict[Key, _Part]:
    """In order of the first answers."""
    parts: dict[Key, _Part] = {}
    kinds = answers.group_by("stage", "task", "check", "failure", maintain_order=True).agg(
        pl.len(), pl.col("row").head(2 * EXAMPLES_SHOWN))
    for stage, task, check, failure, count, rows in kinds.iter_rows():
        part = parts.setdefault((stage, task, check), _Part())
        part.judged += count
        if failure is not None:
            part.failures[failure] = count
            part.failed += [(row, failure) for row in rows]
    for part in parts.values():
        part.failed.sort(key=lambda one: one[0])
        part.failures = Counter(dict(part.failures.most_common()))
    return parts


def _keys(sent: Sequence[tuple[str, str]], tallied: Sequence[Key], terms: Terms) -> list[Key]:
    """The checks that the test lists, whether or not an answer could be judged, and any others that were recorded."""
    keys: list[Key] = []
    for stage, task in sent:
        asked = [check for name, check in terms.checks if name == task]
        seen = [check for one, other, check in tallied if (one, other) == (stage, task)]
        keys += [(stage, task, check) for check in dict.fromkeys([*asked, *seen])]
    return keys


def _total(parts: Sequence[_Part]) -> _Part:
    whole = _Part()
    for part in parts:
        whole.requests += part.requests
        whole.judged += part.judged
        whole.failures += part.failures
        whole.failed += part.failed
    return whole


def _row(stage: str | None, task: str | None, check: str, part: _Part, evidence: Evidence) -> AnswerRow:
    count, shown = part.failures.total(), part.failures.most_common(FAILURES_SHOWN)
    examples = [(evidence.requests[row], failure) for row, failure in _examples(part)]
    return AnswerRow(
        stage=stage, task=task, check=check, requests=part.requests, judged=part.judged,
        failed=count if part.judged else None, rate=failure_rate(count, part.judged) if part.judged else None,
        failures=dict(shown), other_failures=count - sum(number for _, number in shown),
        examples=tuple(FailedAnswer(failure, record.mark, evidence.seconds(record.intended))
                       for record, failure in examples),
    )


def _examples(part: _Part) -> list[tuple[int, str]]:
    """A first example of each of the most frequent failures, then the earliest of the others."""
    firsts: dict[str, tuple[int, str]] = {}
    for row, failure in part.failed:
        firsts.setdefault(failure, (row, failure))
    chosen = [firsts[failure] for failure, _ in part.failures.most_common(EXAMPLES_SHOWN)]
    chosen += [one for one in part.failed[:2 * EXAMPLES_SHOWN] if one not in chosen]
    return chosen[:EXAMPLES_SHOWN]
