"""The starts of more Pods than a page can list: how they are spread, which are alike, which stand out, and a search."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from elastometer.model.measurements import PHASE_LABELS, ColdStart, Duration, ScaleIn
from elastometer.model.milestones import PHASE_ENDED_BY, Milestone
from elastometer.model.start_class import CLASS_LABELS
from elastometer.render.many import MANY, Box, Kind, Search, Spread, box, spread, spread_cells, standing_out
from elastometer.render.shapes import Strips, strips, ticks
from elastometer.render.wording import numbers
from elastometer.render.wording.starts import phase_words

# The first token comes when the load sends a request: a figure of its own, and no phase of the start.
_AFTER = PHASE_ENDED_BY[Milestone.FIRST_SERVED]
GROUP_HEAD = ("Like starts", "Pods", "p50", "p95", "Longest", "Never Ready")
NODES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class ManyStarts:
    """`spreads` are on one scale with `scale` ticks. `groups` are rows under GROUP_HEAD, of starts with one cause and
    one class; `nodes` are the same by node, the slowest first, and `more_nodes` counts the others. `kinds` are the
    starts that stand out, by reason, with their bars; `shown` are all of these."""

    count: int
    spreads: tuple[tuple[Spread, Box, tuple[str, ...]], ...]
    scale: tuple[tuple[float, str], ...]
    groups: tuple[tuple[str, ...], ...]
    nodes: tuple[tuple[str, ...], ...]
    more_nodes: int
    kinds: tuple[tuple[Kind, Strips], ...]
    shown: tuple[ColdStart, ...]


def many_starts(starts: Sequence[ColdStart]) -> ManyStarts | None:
    """None where there are so few that each is shown."""
    if len(starts) <= MANY:
        return None
    spreads = list(_spreads(starts))
    longest = max((one.high for one in spreads), default=0.0)
    nodes = _groups(starts, lambda one: one.node or "not bound to a node")
    kinds = standing_out(starts, lambda one: one.cold_start, "never Ready")
    return ManyStarts(
        len(starts), tuple((one, box(one, longest), tuple(spread_cells(one))) for one in spreads),
        ticks(longest / 1000) if longest > 0 else (),
        tuple(_groups(starts, _likeness)), tuple(nodes[:NODES_SHOWN]), max(0, len(nodes) - NODES_SHOWN),
        tuple((kind, strips([starts[at] for at in kind.at])) for kind in kinds),
        tuple(starts[at] for kind in kinds for at in kind.at),
    )


def starts_search(starts: Sequence[ColdStart], leaving: Sequence[ScaleIn]) -> Search | None:
    """Every Pod, with its phases as bars and with when it left; None where each is shown anyway."""
    if len(starts) <= MANY:
        return None
    labels = list(PHASE_LABELS)
    gone = {one.pod: one for one in leaving}
    return Search(
        "pods", "Pods", ("Pod", "Created for", "Class", "Node", "Created", "Created → Ready", "Decision → Ready",
                         "Ready → first token", "Deleted", "Drain"),
        tuple(_search_row(one, gone.get(one.pod)) for one in starts),
        tuple((name, PHASE_LABELS[name]) for name in labels),
        tuple(tuple((labels.index(phase.name), phase.milliseconds) for phase in one.phases if phase.name != _AFTER)
              for one in starts),
    )


def _search_row(one: ColdStart, gone: ScaleIn | None) -> tuple[str, ...]:
    created = next((instant.stamp.seconds for instant in one.instants
                    if instant.name is Milestone.CREATED and instant.used), None)
    return (one.pod, cause(one), CLASS_LABELS[one.start_class.name] if one.start_class.facts else numbers.DASH,
            one.node or numbers.DASH, numbers.instant(created), _short(one.cold_start), _short(one.scale_out),
            _short(one.first_token), numbers.DASH if gone is None else numbers.instant(gone.deleted.seconds),
            numbers.DASH if gone is None else _short(gone.drain))


def _short(one: Duration | None) -> str:
    """Without the ±, which is the same in nearly every row."""
    if one is None or (one.milliseconds is None and one.at_least_milliseconds is None):
        return numbers.DASH
    if one.milliseconds is None:
        return f"≥ {numbers.duration(one.at_least_milliseconds)}"
    return numbers.duration(one.milliseconds) + (" ?" if one.reason else "")


def cause(one: ColdStart) -> str:
    """Why the Pod was created."""
    return f"scale-out {one.scale_event}" if one.scale_event else one.origin.value.lower()


def _likeness(one: ColdStart) -> str:
    return f"{cause(one)}, {CLASS_LABELS[one.start_class.name]}" if one.start_class.facts else cause(one)


def _spreads(starts: Sequence[ColdStart]) -> Iterator[Spread]:
    """The three durations of a start, then each of its phases in the order of a start. A phase that a Pod had several
    times counts with its sum."""
    took: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
    for at, one in enumerate(starts):
        for phase in one.phases:
            mine = took[phase.name, phase_words(phase)]
            mine[at] = mine.get(at, 0.0) + phase.milliseconds
    order = list(PHASE_LABELS)
    whole = (("Created → Ready", [one.cold_start for one in starts]),
             ("Decision → Ready", [one.scale_out for one in starts if one.scale_out is not None]),
             ("Ready → first token", [one.first_token for one in starts]))
    found = [spread("whole", label, [one.milliseconds for one in durations]) for label, durations in whole]
    for name, label in sorted(took, key=lambda key: (order.index(key[0]), key[1])):
        values = list(took[name, label].values())
        if name != _AFTER:
            found.append(spread(name, label, [*values, *[None] * (len(starts) - len(values))]))
    yield from (one for one in found if one is not None)


def _groups(starts: Sequence[ColdStart], key: Callable[[ColdStart], str]) -> list[tuple[str, ...]]:
    """Rows under GROUP_HEAD, the slowest median first."""
    alike: dict[str, list[ColdStart]] = defaultdict(list)
    for one in starts:
        alike[key(one)].append(one)
    rows = []
    for label, mine in alike.items():
        known = spread("whole", label, [one.cold_start.milliseconds for one in mine])
        never = len(mine) - (known.count if known else 0)
        cells = spread_cells(known)[2:] if known else [numbers.DASH] * 3
        median = (known.p50.value or 0.0) if known else 0.0
        rows.append((-median, label, (label, f"{len(mine):,}", *cells, f"{never:,}")))
    return [row for _, _, row in sorted(rows)]
