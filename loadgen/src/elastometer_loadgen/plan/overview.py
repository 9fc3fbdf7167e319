"""The plan of a load for people: one row per stage, and a picture of the rate over time. Pure."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from elastometer_loadgen.profile.profile import Profile
from elastometer_loadgen.stages.stage import Stage, stage_seed
from elastometer_loadgen.stages.timetable import PlannedStage, timetable

COLUMNS, ROWS = 72, 8
BLOCKS = " ▁▂▃▄▅▆▇█"
CLOSED = "·"


def overview(profile: Profile, workers: int) -> dict[str, Any]:
    """The plan as a document, in seconds from the start of the run.

    After an open-ended stage, `startSeconds` and `endSeconds` are the latest possible instants.
    """
    rows = [_row(profile, index, planned) for index, planned in enumerate(timetable(profile.stages))]
    return {
        "seed": profile.seed, "workers": workers, "seconds": profile.duration_seconds,
        "secondsAreExact": not profile.is_open_ended, "stages": rows,
    }


def _row(profile: Profile, index: int, planned: PlannedStage) -> dict[str, Any]:
    stage = planned.stage
    return {
        "name": stage.name, "type": stage.type,
        "startSeconds": planned.start_seconds, "endSeconds": planned.end_seconds,
        "startIsExact": planned.start_is_exact, "endIsExact": planned.end_is_exact,
        "maximumRequests" if stage.is_closed else "expectedRequests": float(profile.requests_of(stage)),
        "seed": stage_seed(profile.seed, index), **stage.details(), **stage.marks(),
    }


def table(profile: Profile, workers: int) -> str:
    """The plan as text: a row per stage, and the picture."""
    plan = overview(profile, workers)
    head = ("stage", "type", "start s", "end s", "requests", "what")
    rows = [head, *(_cells(row, stage) for row, stage in zip(plan["stages"], profile.stages, strict=True))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    bound = "" if plan["secondsAreExact"] else "at most "
    note = f"seed {profile.seed}, workers {workers}, {bound}{plan['seconds']} s; ≤: at most"
    return "\n".join([*lines, "", *picture(profile.stages), "", note]) + "\n"


def picture(stages: Sequence[Stage]) -> list[str]:
    """Planned requests per second over time; a dot where a closed loop sends as answers arrive."""
    total = sum(stage.duration_seconds for stage in stages)
    width = min(COLUMNS, total)
    edges = [total * column / width for column in range(width + 1)]
    rates = [_rate(stages, low, high) for low, high in pairwise(edges)]
    top = max((rate for rate in rates if rate is not None), default=0.0)
    lines = []
    for row in reversed(range(ROWS)):
        label = f"{top:8.4g}/s " if row == ROWS - 1 and top else " " * 11
        lines.append((label + "".join(_cell(rate, top, row) for rate in rates)).rstrip())
    return [*(line for line in lines if line), " " * 11 + "0 s".ljust(width - len(f"{total} s")) + f"{total} s"]


def _cell(rate: float | None, top: float, row: int) -> str:
    if rate is None:
        return CLOSED if row == 0 else " "
    level = rate / top * ROWS * 8 - row * 8 if top else 0.0
    return BLOCKS[min(max(round(level), 0), 8)]


def _rate(stages: Sequence[Stage], low: float, high: float) -> float | None:
    """The mean planned rate of the open loops between two instants; None where only closed loops run."""
    at, found = 0.0, None
    for stage in stages:
        inside = (max(low, at) - at, min(high, at + stage.duration_seconds) - at)
        at += stage.duration_seconds
        count = None if inside[0] >= inside[1] else stage.count_between(*inside)
        found = found if count is None else (found or 0.0) + count
    return None if found is None else found / (high - low)


def _cells(row: dict[str, Any], stage: Stage) -> tuple[str, ...]:
    start, end = ("" if row[f"{side}IsExact"] else "≤" for side in ("start", "end"))
    limit = "≤" if "maximumRequests" in row else ""
    return (
        stage.name, row["type"], f"{start}{row['startSeconds']}", f"{end}{row['endSeconds']}",
        f"{limit}{row.get('maximumRequests', row.get('expectedRequests')):g}", "; ".join(_what(stage)),
    )


def _what(stage: Stage) -> Iterator[str]:
    yield stage.sentence() if stage.role is None else f"{stage.role}: {stage.sentence()}"
    if stage.tasks:
        yield f"only {', '.join(stage.tasks)}"
    if stage.warmup_seconds:
        yield f"{stage.warmup_seconds} s of warm-up"
