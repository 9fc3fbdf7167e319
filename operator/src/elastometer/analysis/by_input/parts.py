"""Which requests make a row: by task, by Sweep length, by group, by bins of input characters."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.by_input import InputBy
from elastometer_loadgen.stages.stage import StageType


@dataclass(frozen=True, slots=True)
class Part:
    """The requests of one row. `size` names the column with the length of their input."""

    by: InputBy
    stage: str
    label: str
    requests: pl.DataFrame
    low: int | None = None
    high: int | None = None
    size: str | None = None
    task: str | None = None


def parts(evidence: Evidence) -> Iterator[Part]:
    """Those by task first, then by length, group and characters; within each in the order of the stages, by characters
    the stages and tasks with the most bins first. A single task makes no row of its own, and neither does one bin."""
    requests = evidence.judged
    sweeps = {stage.name for stage in evidence.stages if stage.type is StageType.SWEEP}
    by_stage = {str(key[0]): part for key, part in requests.partition_by("stage", as_dict=True).items()}
    several = requests["task"].n_unique() > 1
    for stage, mine in by_stage.items():
        if several and stage not in sweeps:
            yield from (Part(InputBy.TASK, stage, task, part, task=task) for task, part in _split(mine, "task"))
    for stage, mine in by_stage.items():
        if stage in sweeps:
            found = (Part(InputBy.LENGTH, stage, task, part, size="prompt_tokens", task=task)
                     for task, part in _split(mine, "task"))
            yield from _by_length(list(found))
    for stage, mine in by_stage.items():
        grouped = mine.filter(pl.col("group").is_not_null())
        yield from (Part(InputBy.GROUP, stage, group, part) for group, part in _split(grouped, "group"))
    binned = [list(_bins(stage, task, part, evidence.terms.input_character_bounds))
              for stage, mine in by_stage.items() for task, part in _split(mine, "task")]
    yield from (one for found in sorted(binned, key=len, reverse=True) if len(found) > 1 for one in found)


def _by_length(found: Sequence[Part]) -> list[Part]:
    """Rising by what the server counted. It counts nothing of requests that were lost: where all of a length were, it
    stays behind the one that was sent before it."""
    keyed: list[tuple[float, Part]] = []
    for part in found:
        counted = part.requests["prompt_tokens"].median()
        keyed.append((float(counted) if isinstance(counted, int | float) else keyed[-1][0] if keyed else 0.0, part))
    return [part for _, part in sorted(keyed, key=lambda pair: pair[0])]


def _split(requests: pl.DataFrame, column: str) -> Iterator[tuple[str, pl.DataFrame]]:
    for key, part in requests.partition_by(column, as_dict=True).items():
        yield str(key[0]), part


def _bins(stage: str, task: str, requests: pl.DataFrame, bounds: Sequence[int]) -> Iterator[Part]:
    """Up to each bound, and beyond the last one; bins without requests are left out. Of one task, since a bin that has
    more of another, slower one would look as if its length made it slow."""
    if not bounds:
        return
    length = pl.col("input_characters")
    for low, high in pairwise((None, *bounds, None)):
        inside = requests.filter(length.is_not_null(), True if low is None else length > low,
                                 True if high is None else length <= high)
        if inside.height:
            label = f"up to {high}" if low is None else f"over {low}" if high is None else f"{low + 1} to {high}"
            yield Part(InputBy.CHARACTERS, stage, label, inside, low, high, "input_characters", task)
