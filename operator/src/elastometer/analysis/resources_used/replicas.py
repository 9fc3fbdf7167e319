"""The heat map by replica: what waited, ran and was cached on each Pod over time, so that uneven balancing is seen."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from elastometer.analysis.resources_used.lines import binned, column, extent, interval
from elastometer.analysis.resources_used.samples import Samples
from elastometer.model.resource_names import KV_CACHE, RUNNING, WAITING
from elastometer.model.resources_used import ReplicaMap, ReplicaRow, ResourceWindow

MAX_ROWS = 40
MAX_INTERVALS = 150
_FIGURES = 3


def replica_map(samples: Mapping[str, Samples], windows: Sequence[ResourceWindow]) -> ReplicaMap | None:
    """A row for each Pod in the order in which they came; of more than MAX_ROWS those on which most waited, and one row
    for all others. None where neither waiting nor running requests were scraped."""
    frames = {name: samples[name].frame for name in (WAITING, RUNNING, KV_CACHE) if name in samples}
    first = samples.get(RUNNING) or samples.get(WAITING)
    if first is None:
        return None
    start = windows[0].start_seconds if windows else None
    shown = {name: frame if start is None else frame.filter(pl.col("seconds") >= start)
             for name, frame in frames.items()}
    every = pl.concat([frame.select("pod", "seconds", "value") for frame in shown.values()])
    if every.is_empty():
        return None
    places = _order(shown, every)
    begin, width = interval(every, first.step_seconds, MAX_INTERVALS)
    count = int((extent(every)[1] - begin) // width) + 1
    seconds = [round(begin + index * width, 3) for index in range(count)]
    cells = {name: _cells(frame, places, width, seconds) for name, frame in shown.items()}
    figures = _figures(shown, first.step_seconds)
    busiest, even = _evenness(shown.get(WAITING))
    rows = tuple(_row(pod, others, cells, figures.get(pod, {}), count) for pod, others in places.rows)
    return ReplicaMap(tuple(seconds), width, first.resolution_seconds, rows, busiest, even)


class _Places:
    """Which row each Pod is in."""

    def __init__(self, kept: Sequence[str], others: Sequence[str]) -> None:
        self.name = f"{len(others)} others (highest of them)"
        self.rows = [(pod, 0) for pod in kept] + ([(self.name, len(others))] if others else [])
        self.of = {pod: pod for pod in kept} | {pod: self.name for pod in others}


def _order(frames: Mapping[str, pl.DataFrame], every: pl.DataFrame) -> _Places:
    came = list(every.group_by("pod").agg(pl.col("seconds").min()).sort("seconds", "pod")["pod"])
    if len(came) <= MAX_ROWS:
        return _Places(came, [])
    # By what waited on them, then by what ran.
    worst = every.select("pod").unique()
    for name in (WAITING, RUNNING):
        if name in frames:
            sums = frames[name].group_by("pod").agg(pl.col("value").sum().alias(name))
            worst = worst.join(sums, on="pod", how="left")
    ranks = [name for name in (WAITING, RUNNING) if name in worst.columns]
    kept = set(worst.sort([*ranks, "pod"], descending=[*(True for _ in ranks), False],
                          nulls_last=True)["pod"].head(MAX_ROWS - 1))
    return _Places([pod for pod in came if pod in kept], [pod for pod in came if pod not in kept])


def _cells(
    frame: pl.DataFrame, places: _Places, width: float, seconds: Sequence[float],
) -> dict[str, tuple[float | None, ...]]:
    """Row -> the highest value in each interval."""
    placed = frame.with_columns(pl.col("pod").replace_strict(places.of, return_dtype=pl.String))
    grid = binned(placed, seconds[0], width)
    of_row = {str(name): dict(zip(part["bin"], column(part["value"], _FIGURES), strict=True))
              for (name,), part in grid.group_by("pod")}
    return {name: tuple(values.get(second) for second in seconds) for name, values in of_row.items()}


def _figures(frames: Mapping[str, pl.DataFrame], step: float) -> dict[str, dict[str, float]]:
    """Pod -> what the table says of it."""
    found: dict[str, dict[str, float]] = {}
    for name, frame in frames.items():
        value = pl.col("value")
        of_pod = frame.group_by("pod").agg(value.mean().alias("mean"), value.max().alias("peak"),
                                           ((value > 0).sum() * step).alias("seconds"))
        for row in of_pod.rows(named=True):
            found.setdefault(row["pod"], {}).update(
                {f"{name} {part}": row[part] for part in ("mean", "peak", "seconds") if row[part] is not None})
    return found


def _row(
    pod: str, others: int, cells: Mapping[str, Mapping[str, tuple[float | None, ...]]], figures: Mapping[str, float],
    count: int,
) -> ReplicaRow:
    nothing: tuple[None, ...] = (None,) * count
    mean_waiting, mean_running = figures.get(f"{WAITING} mean"), figures.get(f"{RUNNING} mean")
    return ReplicaRow(
        pod=pod, others=others, waiting=cells.get(WAITING, {}).get(pod, nothing),
        running=cells.get(RUNNING, {}).get(pod, nothing), kv_cache_percent=cells.get(KV_CACHE, {}).get(pod, nothing),
        mean_waiting=None if mean_waiting is None else round(mean_waiting, 2),
        peak_waiting=figures.get(f"{WAITING} peak"), waiting_seconds=figures.get(f"{WAITING} seconds"),
        mean_running=None if mean_running is None else round(mean_running, 2),
        peak_running=figures.get(f"{RUNNING} peak"), peak_kv_cache_percent=figures.get(f"{KV_CACHE} peak"),
    )


def _evenness(waiting: pl.DataFrame | None) -> tuple[float | None, float | None]:
    """(share of all waiting in the busiest replica of each instant, the same with equal parts), percent."""
    if waiting is None:
        return None, None
    value = pl.col("value")
    at_once = waiting.group_by("seconds").agg(value.sum().alias("sum"), value.max().alias("most"),
                                              pl.len().alias("pods")).filter((pl.col("pods") > 1) & (pl.col("sum") > 0))
    whole = float(at_once["sum"].sum())
    if not whole:
        return None, None
    equal = float((at_once["sum"] / at_once["pods"]).sum())
    return round(100 * float(at_once["most"].sum()) / whole, 1), round(100 * equal / whole, 1)
