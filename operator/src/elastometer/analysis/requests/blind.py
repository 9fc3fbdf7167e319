"""Bad stretches that no objective covers: requests waited long for their first token, and nothing judges them.

A run can pass with them, which is true and says nothing about its users. What counts as bad is a rule of ours, since no
objective states one; it is printed with every stretch.
"""
from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.story import Blind, Stretch
from elastometer.model.terms import Indicator, Objective
from elastometer.model.units import MILLISECOND, SECOND
from elastometer_loadgen.stages.objectives import Statistic

# Beyond this a reader of a chat takes it for broken, whatever the model.
BAD_MILLISECONDS = 5000.0
# A service that is slow when it is calm is not bad because it is slow.
CALM_FACTOR = 3
# Less than this is a hiccup, and a window holds few requests.
LEAST_SECONDS = 10.0
# An objective on a lower percentile holds while a tenth of the requests wait without end.
LEAST_PERCENTILE = 90
PROPOSED_MILLISECONDS = 2000
_COVERS = (Indicator.TIME_TO_FIRST_TOKEN, Indicator.REQUEST_LATENCY)
_WAIT = (pl.col("first_token") - pl.col("intended")).alias("wait")


def blind_stretches(evidence: Evidence, window_seconds: float) -> Blind | None:
    """The stretches over windows of this length, as in the timeline; None if there are none worth a word."""
    objectives = evidence.terms.objectives
    # Neither does a mean bound the wait of the slowest, nor one task's requests those of the others.
    covered = {one.stage for one in objectives if one.indicator in _COVERS and one.percentile >= LEAST_PERCENTILE
               and one.statistic is Statistic.PERCENTILE and one.task is None}
    if None in covered or not evidence.requests:
        return None
    limit, rule = bad_wait(evidence)
    bad = [row for row in _windows(evidence, window_seconds, [name for name in covered if name is not None])
           if row[1] > limit]
    if len(bad) * window_seconds < LEAST_SECONDS:
        return None
    return Blind(
        seconds=len(bad) * window_seconds, limit_milliseconds=limit, rule=rule,
        stretches=_joined([(start, wait) for start, wait, _ in bad], window_seconds),
        stages=tuple(dict.fromkeys(stage for _, _, stages in bad for stage in stages)),
        worst_p95_milliseconds=max(wait for _, wait, _ in bad), proposed=proposed_objective(evidence))


def bad_wait(evidence: Evidence) -> tuple[float, str]:
    """(milliseconds above which a p95 of the first token is bad, the rule in words)."""
    bounds = [one.maximum_milliseconds for one in evidence.terms.objectives
              if one.indicator is Indicator.TIME_TO_FIRST_TOKEN and one.maximum_milliseconds is not None]
    calm = _calm_median(evidence)
    known = [(BAD_MILLISECONDS, f"{BAD_MILLISECONDS / 1000:g} s, beyond which a chat seems broken")]
    known += [(float(max(bounds)), "the largest bound that an objective sets for the first token")] if bounds else []
    known += [] if calm is None else [
        (CALM_FACTOR * calm, f"{CALM_FACTOR} times the median of the calmest stage")]
    return max(known, key=lambda pair: pair[0])


def proposed_objective(evidence: Evidence) -> Objective:
    """The objective that would cover the whole run: the largest bound that is set, at least 2 s, and no less than the
    calmest stage needs."""
    objectives, calm = evidence.terms.objectives, _calm_median(evidence) or 0.0
    bounds = [one.maximum_milliseconds or 0 for one in objectives if one.indicator is Indicator.TIME_TO_FIRST_TOKEN]
    taken = {one.name for one in objectives}
    name = next(name for name in ("first-token", "first-token-everywhere", *(f"first-token-{n}" for n in range(2, 99)))
                if name not in taken)
    most = max(PROPOSED_MILLISECONDS, *bounds, 1000 * ceil(CALM_FACTOR * calm / 1000))
    return Objective(name, Indicator.TIME_TO_FIRST_TOKEN, 95, most, None, None)


def _calm_median(evidence: Evidence) -> float | None:
    """The lowest median wait of a stage, in milliseconds."""
    found = evidence.table.lazy().select("stage", _WAIT).drop_nulls("wait").group_by("stage").agg(
        pl.col("wait").median()).select(pl.col("wait").min()).collect().item()
    return None if found is None else float(found) / MILLISECOND


def _windows(
    evidence: Evidence, window_seconds: float, covered: Sequence[str],
) -> list[tuple[float, float, list[str]]]:
    """(start in seconds, p95 in milliseconds by nearest rank, stages) of the requests that nothing covers."""
    width = round(window_seconds * SECOND)
    place = ((pl.col("intended") - evidence.origin) // width).alias("place")
    rank = (95 * pl.len() + 99) // 100 - 1
    is_covered = pl.any_horizontal(pl.lit(value=False), *(pl.col("stage") == name for name in covered))
    rows = (
        evidence.table.lazy().filter(~is_covered).select("stage", _WAIT, place).drop_nulls("wait")
        .group_by("place")
        .agg(pl.col("wait").sort().get(rank).alias("p95"), pl.col("stage").unique(maintain_order=True))
        .sort("place").with_columns(pl.col("stage").cast(pl.List(pl.String))).collect()
    )
    return [(start * window_seconds, wait / MILLISECOND, stages)
            for start, wait, stages in rows.select("place", "p95", "stage").iter_rows()]


def _joined(windows: Sequence[tuple[float, float]], width: float) -> tuple[Stretch, ...]:
    made: list[Stretch] = []
    for start, wait in windows:
        if made and made[-1].end_seconds == start:
            last = made.pop()
            made.append(Stretch(last.start_seconds, start + width, max(last.worst_p95_milliseconds, wait)))
        else:
            made.append(Stretch(start, start + width, wait))
    return tuple(made)
