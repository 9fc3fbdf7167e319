"""How well structured answers keep to their structure: JSON or not, and by a schema field by field."""
from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.requests.answers import FAILURES_SHOWN, answers_to
from elastometer.model.answer_tables import Aspect, StructuredRow
from elastometer.model.estimates import Rate
from elastometer.model.load_rows import LoadRow
from elastometer.model.terms import Indicator, Objective
from elastometer.statistics.rates import answers_needed, rate
from elastometer_loadgen.checks.check import CheckType, Failure

SEVERAL = "the stages had different numbers of requests in flight"
NO_WINDOW = "it is not known when the stage ran"
NO_SCHEMA = "the check JSON knows no fields; JSONSchema does"
NO_DOCUMENT = "no answer is JSON, so that none has fields"
NO_OBJECTIVE = "no objective is about these answers"
NO_NUMBER = "the share does not exceed the objective's bound, so that no number of answers shows it"
# The stricter check first: it alone knows of fields.
STRUCTURES = (CheckType.JSON_SCHEMA, CheckType.JSON)
ASPECTS: Mapping[str, Aspect] = {
    Failure.UNFINISHED_JSON: Aspect.SYNTAX, Failure.TEXT_AROUND_JSON: Aspect.SYNTAX, Failure.NOT_JSON: Aspect.SYNTAX,
    Failure.MISSING_FIELD: Aspect.FIELDS, Failure.FIELD_CASE: Aspect.NAMES, Failure.UNKNOWN_FIELD: Aspect.NAMES,
    Failure.STRING_FOR_ARRAY: Aspect.ARRAYS, Failure.QUOTED_NUMBER: Aspect.TYPES, Failure.WRONG_TYPE: Aspect.TYPES,
    Failure.WRONG_VALUE: Aspect.VALUES,
}


def structured_rows(evidence: Evidence, load: Sequence[LoadRow]) -> tuple[StructuredRow, ...]:
    """A row per task and stage, stages with fewer requests in flight first, then one for the task; `load` has what was
    in flight. No rows where no answer was judged by a check of JSON."""
    judged = answers_to(evidence.judged)
    busy = {row.stage: row.in_flight.recorded for row in load if row.in_flight is not None}
    rows: list[StructuredRow] = []
    for task in judged["task"].unique(maintain_order=True):
        check, mine = _of_task(judged.filter(pl.col("task") == task))
        if check is None:
            continue
        parts = mine.partition_by("stage", maintain_order=True)
        parts.sort(key=lambda part: busy.get(part["stage"][0]) or 0.0)
        rows += [_row(task, part["stage"][0], check, part, evidence, busy) for part in parts]
        rows += [_row(task, None, check, mine, evidence, busy)] if len(parts) > 1 else []
    return tuple(rows)


def _of_task(judged: pl.DataFrame) -> tuple[CheckType | None, pl.DataFrame]:
    for check in STRUCTURES:
        mine = judged.filter(pl.col("check") == check.value)
        if not mine.is_empty():
            return check, mine
    return None, judged


def _row(
    task: str, stage: str | None, check: CheckType, part: pl.DataFrame, evidence: Evidence,
    busy: Mapping[str, float | None],
) -> StructuredRow:
    failures: Counter[str] = Counter(dict(part["failure"].drop_nulls().value_counts().iter_rows()))
    count, shown = len(part), dict(sorted(failures.items(), key=lambda one: (-one[1], one[0]))[:FAILURES_SHOWN])
    whole = rate(count - failures.total(), count)
    bound = _bound(evidence.terms.objectives, task, stage, check)
    row = StructuredRow(
        task=task, stage=stage, in_flight=None if stage is None else busy.get(stage), judged=count, whole=whole,
        aspects=_aspects(failures, count, has_schema=check is CheckType.JSON_SCHEMA), failures=shown,
        other_failures=failures.total() - sum(shown.values()), bound_percent=bound,
        bound_is_shown=None if bound is None else whole.interval.low >= bound,
        answers_needed=None if bound is None else answers_needed(whole.percent, bound),
    )
    return replace(row, missing=_missing(row, check))


def _missing(row: StructuredRow, check: CheckType) -> Mapping[str, str]:
    absent = (
        ("inFlight", row.in_flight is None, SEVERAL if row.stage is None else NO_WINDOW),
        ("aspects", None in row.aspects.values(), NO_DOCUMENT if check is CheckType.JSON_SCHEMA else NO_SCHEMA),
        ("boundPercent", row.bound_percent is None, NO_OBJECTIVE),
        ("answersNeeded", row.bound_percent is not None and row.answers_needed is None, NO_NUMBER))
    return {name: why for name, is_absent, why in absent if is_absent}


def _aspects(failures: Counter[str], count: int, *, has_schema: bool) -> Mapping[Aspect, Rate | None]:
    wrong = Counter[Aspect]()
    for failure, number in failures.items():
        # A kind that only a later version knows is in no aspect; `whole` counts it.
        if (aspect := ASPECTS.get(failure.partition(":")[0])) is not None:
            wrong[aspect] += number
    documents = count - wrong[Aspect.SYNTAX]
    of = {aspect: count if aspect is Aspect.SYNTAX else documents if has_schema else 0 for aspect in Aspect}
    return {aspect: rate(of[aspect] - wrong[aspect], of[aspect]) if of[aspect] else None for aspect in Aspect}


def _bound(objectives: Sequence[Objective], task: str, stage: str | None, check: CheckType) -> float | None:
    """The strictest bound that an objective sets for these answers."""
    return max((float(one.minimum_percent) for one in objectives
                if one.indicator is Indicator.ANSWER_CHECK and one.check == check.value
                and one.task in (None, task) and one.stage in (None, stage) and one.minimum_percent is not None),
               default=None)
