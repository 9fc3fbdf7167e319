"""How the answers to each task ended in each stage: who ended them, at how many tokens, and how far they repeat."""
from __future__ import annotations

from collections.abc import Mapping, Set

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.requests.sizes import sizes_of
from elastometer.model import request_measures
from elastometer.model.answer_tables import AnswerEndRow, EndedBy, Repetition
from elastometer.model.task_terms import TaskTerms, task_terms
from elastometer.model.units import SECOND
from elastometer.statistics.rates import rate
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.checks.check import CheckType, Failure
from elastometer_loadgen.stages.stage import StageType

# Of the tokens asked for: an answer that ends by itself beyond this stopped just short of its limit.
NEAR_PERCENT = 90
# By how much more of its words the last quarter of an answer repeats than the first, where it repeats late.
LATE_SHARE = 0.5
NO_LIMIT = "the records do not say how many tokens were asked for"
NO_COUNT = "the server reported no token counts"
NOT_KEPT = "no text was kept (no check and no fingerprint line needed it), or the records are of an earlier version"
NO_DEMAND = "the task demands nothing of the length of its answers"
COMPLETE = "its answers are complete in themselves, so that their length says nothing"
NO_CHECK = "no answer was looked at by the check Repetition"
# Checks by which an answer can be too short.
_OF_LENGTH = {CheckType.TRUNCATION.value, CheckType.MINIMUM_TOKENS.value, CheckType.MINIMUM_CHARACTERS.value}
_ENDED = (Outcome.SUCCESS.value, Outcome.TRUNCATED.value, Outcome.ABORTED.value)
_COLUMNS = ("stage", "task", "outcome", "finish_reason", "requested_tokens", "completion_tokens", "send", "end",
            "checks", "repeat", "output_characters")


def answer_end_rows(evidence: Evidence) -> tuple[AnswerEndRow, ...]:
    """In order of the stages, then of the tasks, as their first requests came; none of answers of which neither the end
    nor the length is known."""
    tasks = task_terms(evidence.spec)
    answers = evidence.judged.lazy().select(_COLUMNS).filter(pl.col("outcome").cast(pl.String).is_in(_ENDED)) \
        .with_columns(ended_by=_ended_by()).collect()
    stages, tasks_seen = (evidence.table[name].unique(maintain_order=True).to_list() for name in ("stage", "task"))
    parts = answers.partition_by("stage", "task", maintain_order=True)
    parts.sort(key=lambda part: (stages.index(part["stage"][0]), tasks_seen.index(part["task"][0])))
    sweeps = {stage.name for stage in evidence.terms.stages if stage.type is StageType.SWEEP}
    rows = (_row(part, _terms(part, tasks, sweeps)) for part in parts)
    return tuple(row for row in rows if row.made is not None or set(row.ended_by) != {EndedBy.OTHER})


def _terms(part: pl.DataFrame, tasks: Mapping[str, TaskTerms], sweeps: Set[str]) -> TaskTerms:
    """Those of the part's task; a Sweep asks for answers of an exact length by itself."""
    name = part["task"][0]
    return tasks.get(name, TaskTerms(name, is_exact=part["stage"][0] in sweeps))


def _ended_by() -> pl.Expr:
    """`length` with fewer tokens than asked for: the context was full."""
    made, asked = pl.col("completion_tokens"), pl.col("requested_tokens")
    reason, outcome = pl.col("finish_reason").cast(pl.String), pl.col("outcome").cast(pl.String)
    length = reason == "length"
    rules = (
        (outcome == Outcome.ABORTED.value, EndedBy.ABORT), (outcome == Outcome.TRUNCATED.value, EndedBy.CUT),
        (reason == "stop", EndedBy.MODEL), (length & (made < asked), EndedBy.CONTEXT),
        (length & (made >= asked), EndedBy.MAX_TOKENS), (length, EndedBy.LENGTH), (pl.lit(value=True), EndedBy.OTHER))
    return pl.coalesce([pl.when(holds).then(pl.lit(who.value)) for holds, who in rules])


def _row(part: pl.DataFrame, task: TaskTerms) -> AnswerEndRow:
    """`part` holds at least one answer."""
    asked, made, characters, speed = (sizes_of(values) for values in (
        part["requested_tokens"], part["completion_tokens"], part["output_characters"], _tokens_per_second(part)))
    repetition = _repetition(part)
    early, demanded = _early(part, task)
    absent = (
        ("asked", asked is None, NO_LIMIT), ("made", made is None, NO_COUNT),
        ("characters", characters is None, NOT_KEPT), ("tokensPerSecond", speed is None, NO_COUNT),
        ("nearLimit", task.has_shape, COMPLETE),
        ("early", not demanded, NO_LIMIT if task.is_exact else NO_DEMAND), ("repetition", repetition is None, NO_CHECK))
    return AnswerEndRow(
        stage=part["stage"][0], task=part["task"][0], answers=part.height, asked=asked, made=made,
        characters=characters, tokens_per_second=speed, ended_by=_counts(part),
        early=rate(early.height, demanded) if demanded else None, early_by=_counts(early),
        near_limit=None if task.has_shape else _near_limit(part),
        repetition=repetition, missing={name: why for name, is_absent, why in absent if is_absent},
    )


def _near_limit(part: pl.DataFrame) -> int:
    made, asked = pl.col("completion_tokens"), pl.col("requested_tokens")
    is_near = (made < asked) & (100 * made >= NEAR_PERCENT * asked)
    return part.filter((pl.col("ended_by") == EndedBy.MODEL.value) & is_near).height


def _counts(answers: pl.DataFrame) -> Mapping[EndedBy, int]:
    """In the order of EndedBy."""
    found: dict[str, int] = dict(answers["ended_by"].value_counts().iter_rows())
    return {one: found[one.value] for one in EndedBy if one.value in found}


def _tokens_per_second(part: pl.DataFrame) -> pl.Series:
    lasted = pl.col("end") - pl.col("send")
    return part.filter(request_measures.served() & (lasted > 0)).select(
        speed=pl.col("completion_tokens") * SECOND / lasted)["speed"]


def _early(part: pl.DataFrame, task: TaskTerms) -> tuple[pl.DataFrame, int]:
    """(answers that ended before they should, answers of which something is demanded)."""
    failures = pl.col("checks").list.eval(pl.element().struct.field("failure"))
    is_short = failures.list.contains(Failure.TOO_SHORT.value).fill_null(value=False)
    is_cut = failures.list.contains(Failure.CUT_BY_LENGTH.value).fill_null(value=False)
    is_full = pl.col("ended_by") == EndedBy.CONTEXT.value
    ends_before = pl.lit(task.is_exact) & (pl.col("completion_tokens") < pl.col("requested_tokens"))
    early = part.filter(is_short | is_cut | is_full | ends_before.fill_null(value=False))
    if task.checks & _OF_LENGTH or not early.is_empty():
        return early, part.height
    return early, part.drop_nulls(["requested_tokens", "completion_tokens"]).height if task.is_exact else 0


def _repetition(part: pl.DataFrame) -> Repetition | None:
    """Of the answers that the check looked at and that had enough words."""
    found = part.drop_nulls("repeat").unnest("repeat")
    longest, frequent = sizes_of(100 * found["share"]), sizes_of(found["ngram_count"])
    if longest is None or frequent is None:
        return None
    quarters = [found["quarters"].list.get(number) for number in range(4)]
    late = (quarters[-1] - quarters[0] >= LATE_SHARE).sum()
    medians = tuple(round(100 * float(one.median() or 0.0), 1) for one in quarters)  # type: ignore[arg-type]
    return Repetition(longest, frequent, medians, int(late))
