"""The account of an autoscaler as lines for a terminal."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from elastometer.analysis.explain import folded
from elastometer.cli.text import columns, printable
from elastometer.model.autoscaler import Agreement, Autoscaler, Cause, ScaleAccount, SyncRow
from elastometer.render import words
from elastometer.render.autoscaler_words import (
    binding_words,
    change_title,
    fidelity_sentence,
    held_words,
    loss_words,
    miss_rows,
    readings_words,
    sync_count,
    way_words,
    whole_words,
)

_HEAD = ("at", "spec", "Ready", "metric of target", "wanted, and on the way", "desired", "bound by", "")
_BAR_WIDTH = 32
# Parts of a bar, told apart without colour: the words beside it are in the same order.
_SHADES = {Cause.METRIC_DELAY: "█", Cause.SYNC_WAIT: "▒"}
_CONSTRAINT_SHADES = "▓░"


def account_lines(account: Autoscaler, whole: bool) -> list[str]:
    """`whole`: a line for every sync, also where there was nothing to do."""
    lines = [f"{account.name}: {sync_count(account.rows)}, {account.minimum} to {account.maximum} replicas", ""]
    lines += _sync_lines(account.rows if whole else folded(account.rows))
    for direction, title in (("Out", "Scale-outs, from the need to the decision"),
                             ("In", "Scale-ins, how long replicas stayed that were not wanted")):
        lines += _change_lines([one for one in account.changes if one.direction == direction], title)
    lines += _held_lines(account)
    return [printable(line) for line in [*lines, "", *_fidelity_lines(account.fidelity)]]


def _sync_lines(rows: Sequence[SyncRow]) -> Iterator[str]:
    """One line a sync; what does not agree with the live controller has a second line that says in what."""
    table = iter(columns([_HEAD, *(_cells(row) for row in rows if row.count == 1)]))
    yield next(table)
    for row in rows:
        if row.count > 1:
            yield _idle_line(row)
            continue
        yield next(table)
        if row.agrees is False:
            yield f"      differs from the live controller: {row.difference}"


def _idle_line(row: SyncRow) -> str:
    until, replicas = words.instant(row.until_seconds), words.plural(row.desired, "replica")
    why = "" if row.wanted == row.desired else ", fewer wanted but at minReplicas"
    return (f"  {words.instant(row.seconds)}  … {row.count} syncs to {until}, nothing to do: "
            f"{replicas}, {row.ready} Ready{why}")


def _cells(row: SyncRow) -> list[str]:
    at = words.instant(row.seconds) + ("" if row.seen else " ~")
    return [at, str(row.spec), str(row.ready), readings_words(row), way_words(row), str(row.desired),
            binding_words(row), "?" if row.agrees is None else ""]


def _change_lines(changes: Sequence[ScaleAccount], title: str) -> list[str]:
    if not changes:
        return []
    longest = max(_seconds(one) for one in changes) or 1.0
    rows = [[change_title(one), words.instant(one.written_seconds), whole_words(one), _bar(one, longest), _parts(one)]
            for one in changes]
    return ["", f"{title}:", *columns(rows)]


def _seconds(one: ScaleAccount) -> float:
    return sum(loss.milliseconds or 0.0 for loss in one.losses)


def _bar(one: ScaleAccount, longest: float) -> str:
    text = ""
    for index, loss in enumerate(loss for loss in one.losses if loss.milliseconds):
        shade = _SHADES.get(loss.cause, _CONSTRAINT_SHADES[index % len(_CONSTRAINT_SHADES)])
        text += shade * max(1, round(_BAR_WIDTH * (loss.milliseconds or 0.0) / longest))
    return text


def _parts(one: ScaleAccount) -> str:
    known = [f"{loss.label} {loss_words(loss)}" for loss in one.losses if loss.milliseconds]
    unknown = [loss.label for loss in one.losses if loss.milliseconds is None]
    reason = [f"{' and '.join(unknown)} not known: {one.whole.reason}"] if unknown else []
    return "; ".join([", ".join(known), *reason] if known else reason) or (one.whole.reason or "at once")


def _held_lines(account: Autoscaler) -> list[str]:
    rows = [[held_words(one), one.label, f"{one.seconds:.1f} s",
             f"first at {words.instant(one.first_seconds)}"] for one in account.held]
    return ["", "What held the replicas, over the whole record:", *columns(rows)] if rows else []


def _fidelity_lines(found: Agreement | None) -> Iterator[str]:
    yield fidelity_sentence(found)
    if found is None:
        return
    for when, difference, cause in miss_rows(found):
        yield f"  {when}: {difference}. Cause: {cause}"
    if found.unknowable:
        yield "What no replay of this record can know:"
        yield from (f"  {one}" for one in found.unknowable)
