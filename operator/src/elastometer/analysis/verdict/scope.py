"""Which requests an objective is about, and how a sentence says so."""
from __future__ import annotations

import polars as pl

from elastometer.analysis.requests.latency import of_stage
from elastometer.model.terms import Objective


def in_scope(objective: Objective, table: pl.DataFrame) -> pl.DataFrame:
    """Those of its stage and its task, in the same order; all where it names neither."""
    if objective.stage is not None:
        table = of_stage(table, objective.stage)
    return table if objective.task is None else table.filter(pl.col("task") == objective.task)


def where(objective: Objective) -> str:
    """Behind a verb: ` for task 'chat' in stage 'crowd'`; empty where it is about all requests."""
    task = "" if objective.task is None else f" for task '{objective.task}'"
    return task + ("" if objective.stage is None else f" in stage '{objective.stage}'")
