"""The account of an autoscaler as lines for a terminal."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from elastometer.analysis.autoscaler.explain import folded
from elastometer.cli.base.text import blocks, columns, printable, wrapped
from elastometer.cli.hpa.explain_changes import change_lines
from elastometer.model.autoscaler import AutoscalerAccount, FidelitySummary, SyncRow
from elastometer.model.in_words import plural
from elastometer.render.wording import numbers
from elastometer.render.wording.autoscaler import (
    binding_words,
    fidelity_sentence,
    held_words,
    miss_rows,
    reading_rows,
    sync_count,
    way_words,
)

_HEADINGS = ("at", "spec", "Ready", "metric of target", "wanted, limited to", "desired, bound by", "")
_METRIC_COLUMN, _WAY_COLUMN, _BOUND_COLUMN = 3, 4, 5
# Chosen so that a row fits into 120 characters; the way wraps before its next arrow. With several metrics, the column
# of metrics needs the room more than the reason does.
_LIMITS = {_METRIC_COLUMN: 26, _WAY_COLUMN: 27, _BOUND_COLUMN: 23}
_LIMITS_OF_SEVERAL = {_METRIC_COLUMN: 36, _WAY_COLUMN: 27, _BOUND_COLUMN: 17}


def account_lines(account: AutoscalerAccount, whole: bool) -> list[str]:
    """All lines. `whole`: one line for every sync, also where there was nothing to do."""
    lines = [f"{account.name}: {sync_count(account.rows)}, {account.minimum} to {account.maximum} replicas", ""]
    lines += _sync_lines(account.rows if whole else folded(account.rows))
    lines += change_lines(account.changes)
    lines += _held_lines(account)
    return [printable(line) for line in [*lines, "", *_fidelity_lines(account.fidelity)]]


def _sync_lines(rows: Sequence[SyncRow]) -> Iterator[str]:
    """One row per sync; where the replay differs from the live controller, another line says in what."""
    limits = _LIMITS_OF_SEVERAL if any(len(row.metrics) > 1 for row in rows) else _LIMITS
    table = iter(blocks([_HEADINGS, *(_cells(row) for row in rows if row.count == 1)], limits))
    yield from next(table)
    for row in rows:
        if row.count > 1:
            yield from wrapped(_idle_line(row), further="    ")
            continue
        yield from next(table)
        if row.agrees is False:
            yield from wrapped(f"differs from the live controller: {row.difference}", "      ", "  ")


def _idle_line(row: SyncRow) -> str:
    until, replicas = numbers.instant(row.until_seconds), plural(row.desired, "replica")
    why = "" if row.wanted == row.desired else ", held by minReplicas"
    return (f"  {numbers.instant(row.seconds)}  … {row.count} syncs to {until}, nothing to do: "
            f"{replicas}, {row.ready} Ready{why}")


def _cells(row: SyncRow) -> list[str]:
    at = numbers.instant(row.seconds) + ("" if row.seen else " ~")
    return [at, str(row.spec), str(row.ready), "\n".join(reading_rows(row)), way_words(row),
            f"{row.desired} {binding_words(row)}", "?" if row.agrees is None else ""]


def _held_lines(account: AutoscalerAccount) -> list[str]:
    rows = [[held_words(held), held.label, f"{held.seconds:.1f} s",
             f"first at {numbers.instant(held.first_seconds)}"] for held in account.held]
    return ["", "What held the replicas, over the whole record:", *columns(rows)] if rows else []


def _fidelity_lines(found: FidelitySummary | None) -> Iterator[str]:
    yield from wrapped(fidelity_sentence(found), further="  ")
    if found is None:
        return
    for when, difference, cause in miss_rows(found):
        yield from wrapped(f"{when}: {difference}. Cause: {cause}", "  ", "  ")
    if found.unknowable:
        yield "What the record does not show:"
        for limitation in found.unknowable:
            yield from wrapped(limitation, "  ", "  ")
