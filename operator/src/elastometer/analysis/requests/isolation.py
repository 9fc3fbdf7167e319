"""Whose the answers were, level by level: their own, another task's, another request's, or not to be attributed.

The load generator judged each answer when it came (`elastometer_loadgen.checks.crosstalk`): a verdict
attributes the answer, and one without a verdict cannot be attributed.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.requests.answers import answers_to
from elastometer.model import request_measures
from elastometer.model.answer_tables import IsolationRow
from elastometer.model.knee import Knee
from elastometer.model.task_terms import task_terms
from elastometer.model.units import SECOND
from elastometer.statistics.rates import rate
from elastometer_loadgen.checks.check import CheckType, Failure

NO_MARKS = "no prompt of these stages carries a mark, {{ canary }}, that another answer could show"
ONE_TASK = "there is only one task"
NOTHING_ATTRIBUTED = "no answer can be attributed: nothing shows whose it is"
# Counts of the answers of a level: judged with this result, or (UNATTRIBUTED) without any.
_OWN, _UNATTRIBUTED = "own", "unattributed"


def isolation_rows(evidence: Evidence, knees: Sequence[Knee]) -> tuple[IsolationRow, ...]:
    """A row per stage and step of a Knee whose tasks have the check, then one for all; none without the check."""
    answers = _answers(evidence)
    if answers.is_empty():
        return ()
    missing = _missing(evidence, answers)
    stages = list(dict.fromkeys([*(stage.name for stage in evidence.terms.stages), *answers["stage"].unique(
        maintain_order=True)]))
    parts = [part for stage in stages for part in _levels(stage, answers.filter(pl.col("stage") == stage), knees)]
    rows = [_row(name, part, missing) for name, part in parts if not part.is_empty()]
    return (*rows, _row(None, answers, missing)) if len(rows) > 1 else tuple(rows)


def _answers(evidence: Evidence) -> pl.DataFrame:
    """Whole answers of the tasks with the check: `stage`, `seconds` of the intended time, and the `verdict`."""
    judged = answers_to(evidence.table, CheckType.CROSSTALK)
    names = {task for task, check in evidence.terms.checks if check == CheckType.CROSSTALK.value}
    names |= set(judged["task"].unique())
    whole = evidence.table.lazy().with_row_index("row").filter(
        request_measures.served() & pl.col("task").cast(pl.String).is_in(list(names)))
    verdicts = judged.lazy().select("row", verdict=pl.col("failure").fill_null(_OWN))
    return whole.join(verdicts, on="row", how="left", maintain_order="left").select(
        pl.col("stage").cast(pl.String), seconds=(pl.col("intended") - evidence.origin) / SECOND,
        verdict=pl.col("verdict").fill_null(_UNATTRIBUTED)).collect()


def _levels(stage: str, answers: pl.DataFrame, knees: Sequence[Knee]) -> list[tuple[str, pl.DataFrame]]:
    """The stage, or each step of its search: one begins where the one before it ends."""
    searched = [knee for knee in knees if knee.stage == stage]
    if not searched:
        return [(stage, answers)]
    steps = [(f"{stage} {step.value}", step) for knee in searched for step in knee.steps]
    steps += [(f"{stage} {knee.soak.value} soak", knee.soak) for knee in searched if knee.soak is not None]
    return [(name, answers.filter(pl.col("seconds").is_between(step.start_seconds, step.end_seconds, closed="left")))
            for name, step in steps]


def _missing(evidence: Evidence, answers: pl.DataFrame) -> Mapping[str, str]:
    """What these stages could not have shown, whatever their answers were; what was seen all the same, they could."""
    stages, seen = answers["stage"].unique().to_list(), set(answers["verdict"].unique())
    tasks = evidence.table.filter(pl.col("stage").cast(pl.String).is_in(stages))["task"].unique()
    terms, found = task_terms(evidence.spec), {}
    marks = [terms[task].is_marked for task in tasks if task in terms]
    if marks and not any(marks) and Failure.FOREIGN_CANARY.value not in seen:
        found["foreignMark"] = NO_MARKS
    if len(tasks) == 1 and Failure.OTHER_TASK.value not in seen:
        found["otherTask"] = ONE_TASK
    return found


def _row(level: str | None, answers: pl.DataFrame, missing: Mapping[str, str]) -> IsolationRow:
    counts: dict[str, int] = dict(answers["verdict"].value_counts().iter_rows())
    own = counts.get(_OWN, 0)
    hits = {"otherTask": counts.get(Failure.OTHER_TASK.value, 0),
            "foreignMark": counts.get(Failure.FOREIGN_CANARY.value, 0)}
    attributed = own + sum(hits.values())
    why = missing if attributed else dict.fromkeys(hits, NOTHING_ATTRIBUTED)
    rates = {name: None if name in why else rate(count, attributed) for name, count in hits.items()}
    return IsolationRow(level, answers.height, own, rates["otherTask"], rates["foreignMark"],
                        answers.height - attributed, why)
