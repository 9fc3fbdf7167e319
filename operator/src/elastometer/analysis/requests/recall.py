"""What answers remember of their conversation, by how far back a fact was given."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.requests.answers import answers_to
from elastometer.analysis.requests.sizes import sizes_of
from elastometer.model.answer_tables import Forgetting, Recall, RecallRow, Sizes
from elastometer.model.estimates import Rate
from elastometer.model.task_terms import TaskTerms, task_terms
from elastometer.statistics.rates import rate
from elastometer_loadgen.base.turns import TURN_BITS
from elastometer_loadgen.checks.check import CheckType

# Recall counts as lost where less than this is recalled.
BOUND_PERCENT = 90.0
ALL_WRITTEN = "the test wrote all answers between the fact and the question, so that both are in one request"
NO_COUNT = "the server did not count the tokens of both prompts"
NOT_JUDGED = "no answer could be judged"


def recall_of(evidence: Evidence) -> Recall | None:
    """None without the check Recall."""
    tasks = task_terms(evidence.spec)
    judged = answers_to(evidence.table, CheckType.RECALL)
    asked = {task for task, check in evidence.terms.checks if check == CheckType.RECALL.value}
    sent = evidence.table.select("stage", "task").unique(maintain_order=True).rows()
    pairs = [(stage, task) for stage, task in sent if task in asked | set(judged["task"].unique())]
    if not pairs:
        return None
    turns = _turns(evidence.table)
    rows = [_row(stage, task, judged, turns, tasks) for stage, task in pairs]
    rows.sort(key=lambda row: row.turns or 0)
    return Recall(tuple(rows), _forgetting(rows))


def _row(
    stage: str, task: str, judged: pl.DataFrame, turns: pl.DataFrame, tasks: Mapping[str, TaskTerms],
) -> RecallRow:
    mine = judged.filter((pl.col("stage") == stage) & (pl.col("task") == task))
    back = tasks[task].recall_turns if task in tasks else None
    tokens = None if back is None else _tokens_between(mine, turns, back)
    missing = {
        **({"turns": ALL_WRITTEN, "tokens": ALL_WRITTEN} if back is None else
           {"tokens": NO_COUNT} if tokens is None else {}),
        **({"recalled": NOT_JUDGED} if mine.is_empty() else {})}
    recalled = None if mine.is_empty() else rate(mine["failure"].null_count(), len(mine))
    return RecallRow(stage, task, None if back is None else back - 1, tokens, recalled, missing)


def _turns(table: pl.DataFrame) -> pl.DataFrame:
    """Of each request its conversation, its turn, and the tokens of its prompt. The id says both: `base.turns`."""
    return table.with_row_index("row").select(
        "row", conversation=pl.col("id") % (1 << TURN_BITS), turn=pl.col("id") // (1 << TURN_BITS),
        tokens=pl.col("prompt_tokens"))


def _tokens_between(judged: pl.DataFrame, turns: pl.DataFrame, back: int) -> Sizes | None:
    """The tokens of the prompt that asks, less those of the prompt so many turns before, which ended with the fact."""
    asks = judged.select("row").join(turns, on="row").with_columns(turn=pl.col("turn") - back)
    both = asks.join(turns.select("conversation", "turn", given="tokens"), on=["conversation", "turn"])
    return sizes_of(both.select(between=pl.col("tokens") - pl.col("given"))["between"])


def _forgetting(rows: Sequence[RecallRow]) -> Forgetting | None:
    """The shortest distance from which on every one has a share below the bound."""
    found: Forgetting | None = None
    for distance in sorted({row.turns for row in rows if row.turns is not None and row.recalled}, reverse=True):
        mine = [row for row in rows if row.turns == distance and row.recalled is not None]
        counted: list[Rate] = [row.recalled for row in mine if row.recalled is not None]
        pooled = rate(sum(one.hits for one in counted), sum(one.count for one in counted))
        if pooled.percent >= BOUND_PERCENT:
            break
        tokens = [row.tokens.p50.value for row in mine if row.tokens is not None]
        found = Forgetting(BOUND_PERCENT, distance, min((one for one in tokens if one is not None), default=None),
                           pooled, pooled.interval.high < BOUND_PERCENT)
    return found
