"""The plan of a load for people: one row per stage, and a picture of the rate over time. Pure."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from elastometer_loadgen.profile.profile import Profile
from elastometer_loadgen.profile.stages import (
    CountStage,
    KneeStage,
    RateStage,
    Stage,
    TraceStage,
    UsersStage,
    type_of,
)
from elastometer_loadgen.profile.timetable import PlannedStage, timetable

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
    is_closed = not isinstance(stage, RateStage | TraceStage)
    return {
        "name": stage.name, "type": type_of(stage),
        "startSeconds": planned.start_seconds, "endSeconds": planned.end_seconds,
        "startIsExact": planned.start_is_exact, "endIsExact": planned.end_is_exact,
        "maximumRequests" if is_closed else "expectedRequests": float(profile.requests_of(stage)),
        "seed": f"{profile.seed}/stages/{index}", **_details(stage),
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
        count = None if inside[0] >= inside[1] else _count(stage, *inside)
        found = found if count is None else (found or 0.0) + count
    return None if found is None else found / (high - low)


def _count(stage: Stage, low: float, high: float) -> float | None:
    if isinstance(stage, RateStage):
        return stage.rate_at((low + high) / 2) * (high - low)
    if isinstance(stage, TraceStage) and stage.trace is not None:
        scale = float(stage.time_scale)
        return float(stage.trace.within(high, scale) - stage.trace.within(low, scale))
    return None


def _details(stage: Stage) -> dict[str, Any]:
    match stage:
        case RateStage():
            rates = {"startRequestsPerSecond": float(stage.start_rate), "endRequestsPerSecond": float(stage.end_rate)}
            burst = {} if stage.burstiness is None else {"burstiness": float(stage.burstiness)}
            return {**rates, "arrivals": stage.arrivals, **burst}
        case TraceStage():
            return {"file": stage.file, "format": stage.format, "timeScale": float(stage.time_scale)}
        case UsersStage():
            think = {"minimum": float(stage.think.low), "maximum": float(stage.think.high)}
            spawn = None if stage.spawn_rate is None else float(stage.spawn_rate)
            return {"users": stage.users, "spawnPerSecond": spawn, "thinkTimeSeconds": think}
        case CountStage():
            lengths = [size.prompt_tokens for size in stage.sizes]
            return {"concurrency": stage.concurrency, **({"inputTokens": lengths} if lengths else {})}
        case KneeStage():
            return {
                "of": stage.of,
                "steps": list(stage.steps),
                "stepSeconds": stage.step_seconds,
                "soakSeconds": stage.soak_seconds,
            }


def _cells(row: dict[str, Any], stage: Stage) -> tuple[str, ...]:
    start, end = ("" if row[f"{side}IsExact"] else "≤" for side in ("start", "end"))
    limit = "≤" if "maximumRequests" in row else ""
    return (
        stage.name, row["type"], f"{start}{row['startSeconds']}", f"{end}{row['endSeconds']}",
        f"{limit}{row.get('maximumRequests', row.get('expectedRequests')):g}", _what(stage),
    )


def _what(stage: Stage) -> str:
    match stage:
        case RateStage():
            burst = "" if stage.burstiness is None else f", burstiness {float(stage.burstiness):g}"
            return f"{float(stage.start_rate):g} to {float(stage.end_rate):g}/s, {stage.arrivals}{burst}"
        case TraceStage():
            return f"{stage.file} ({stage.format}), times x {float(stage.time_scale):g}"
        case UsersStage():
            spawn = "at once" if stage.spawn_rate is None else f"{float(stage.spawn_rate):g} more per second"
            return f"{stage.users} users, {spawn}, think {float(stage.think.low):g} to {float(stage.think.high):g} s"
        case CountStage():
            lengths = ", ".join(str(size.prompt_tokens) for size in stage.sizes)
            return f"{stage.concurrency} in flight" + (f", prompts of {lengths} tokens" if lengths else "")
        case KneeStage():
            ends = f"{stage.start} to {stage.maximum} by {stage.step}"
            return f"{stage.of} {ends}, {stage.step_seconds} s each, then {stage.soak_seconds} s"
