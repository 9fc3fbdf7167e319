"""The tables by input, with what marks a row as slow."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from elastometer.analysis.by_input.line import expected_at_most, line_of, points_of
from elastometer.analysis.by_input.parts import Part, parts
from elastometer.analysis.by_input.rows import input_row
from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.levels.held import level_objectives
from elastometer.model.by_input import InputLine, InputRow, lengths_of
from elastometer.model.in_words import duration
from elastometer.model.verdict import Verdict

# The line through fewer lengths is any two points.
FEWEST_SHORTER = 2


def by_input(evidence: Evidence) -> tuple[tuple[InputRow, ...], tuple[InputLine, ...]]:
    """The rows, those of one table together, and a line for each stage with enough lengths. Nothing for a run with one
    task, without a Sweep, groups and bounds of characters."""
    rows: list[InputRow] = []
    lines: list[InputLine] = []
    for _, found in groupby(parts(evidence), key=lambda part: lengths_of(part.by, part.stage, part.task)):
        mine = list(found)
        made = [input_row(part) for part in mine]
        rows += _marked(made, mine, evidence)
        if mine[0].size is not None and (line := line_of(mine, made)) is not None:
            lines.append(line)
    return tuple(rows), tuple(lines)


def _marked(rows: Sequence[InputRow], cut: Sequence[Part], evidence: Evidence) -> list[InputRow]:
    """In order of length; a length that is slow says nothing about what is usual."""
    found: list[InputRow] = []
    usual: list[Part] = []
    for row, part in zip(rows, cut, strict=True):
        reason = _beyond_objective(part, evidence) or _beyond_line(row, usual)
        usual += [part] if reason is None else []
        found.append(replace(row, slow=reason))
    return found


def _beyond_objective(part: Part, evidence: Evidence) -> str | None:
    """The first objective on durations that these requests alone do not meet."""
    judged = level_objectives(evidence.terms.objectives, part.stage, part.requests)
    return next((one.result.message for one in judged
                 if one.result.unit != "%" and one.result.verdict is Verdict.FAIL), None)


def _beyond_line(row: InputRow, shorter: Sequence[Part]) -> str | None:
    """Where the median lies above nearly all that the shorter lengths lead to expect. A high P95 of a few requests is
    no reason: the greatest of five values is often the greatest of thirty."""
    if row.size is None or row.latency.p50 is None or len(shorter) < FEWEST_SHORTER:
        return None
    expected = expected_at_most(points_of(shorter), row.size)
    if expected is None or row.latency.p50 <= expected:
        return None
    return f"p50 {duration(row.latency.p50)} is above the {duration(expected)} that the line through the shorter " \
           "lengths leads to expect at most"
