"""What the run used: its table, in Markdown and for the page, and what the page's charts draw."""
from __future__ import annotations

from collections.abc import Iterator

from elastometer.model.resources_used import ReplicaMap, ResourceLevel, ResourceQuantity, ResourcesUsed
from elastometer.model.units import MEBIBYTE
from elastometer.render.downsample import kept_points
from elastometer.render.wording import resources as words
from elastometer.render.wording.tables import code, prose, section

# Bytes are drawn in a unit that a page's numbers stay short in.
_DRAWN = {"bytes": ("MiB", MEBIBYTE), "bytes/s": ("KiB/s", 1024)}
_FIGURES = 4


def resource_values() -> dict[str, object]:
    """What the template needs besides the report."""
    return {"used": words, "drawn_unit": drawn_unit}


def resource_chart(used: ResourcesUsed | None) -> dict[str, object]:
    """The page's data: a chart for each quantity with samples, and the heat map by replica."""
    if used is None:
        return {"quantities": [], "replicas": None}
    quantities = [_chart(one) for one in words.measured(used)]
    return {"quantities": quantities, "replicas": None if used.replicas is None else _map(used.replicas)}


def drawn_unit(unit: str) -> str:
    """The unit on the axis."""
    return _DRAWN.get(unit, ("%" if unit == "percent" else unit, 1))[0]


def _chart(one: ResourceQuantity) -> dict[str, object]:
    _, divisor = _DRAWN.get(one.unit, (one.unit, 1))
    kept = kept_points(one.seconds, [line.values for line in one.lines])
    return {"name": one.name, "x": [one.seconds[at] for at in kept], "lines": [
        {"name": line.name, "y": [None if value is None else float(f"{value / divisor:.{_FIGURES}g}")
                                  for value in (line.values[at] for at in kept)]} for line in one.lines]}


def _map(found: ReplicaMap) -> dict[str, object]:
    return {
        "from": found.seconds[0] if found.seconds else 0.0, "interval": found.interval_seconds,
        "count": len(found.seconds), "pods": [row.pod for row in found.rows],
        "maps": {"waiting": [list(row.waiting) for row in found.rows],
                 "running": [list(row.running) for row in found.rows],
                 "kv": [list(row.kv_cache_percent) for row in found.rows]},
    }


def markdown(used: ResourcesUsed | None) -> Iterator[str]:
    """The table of every quantity with samples, what is missing and why, and the replicas' shares; nothing of a
    predicted run."""
    if used is None:
        return
    if used.reason is not None:
        yield from ("", "## Resources", "", f"{prose(used.reason[:1].upper() + used.reason[1:])}.")
        return
    names = [code(name) for name in words.columns(used)]
    yield from section(
        "Resources", ["Quantity", "Of", *names, "Peak", "Growth", "Back after", "Source"],
        ([prose(one.title), words.OF_WORDS[row.of], *(prose(_level(level, one)) for level in words.levels(row, used)),
          prose(words.peak(row, one)), prose(words.growth(row, one)), prose(words.back(row, one)),
          prose(words.source(one)) if row is one.rows[0] else ""]
         for one in words.tabled(used) for row in one.rows))
    if words.tabled(used):
        yield from ("", words.NOTE)
    yield from section("Resources that were not measured", ["Quantity", "Why"], (
        [prose(titles), prose(reason)] for titles, reason in words.missing(used)))
    yield from _replicas(used.replicas)


def _level(one: ResourceLevel, quantity: ResourceQuantity) -> str:
    return "; ".join(part for part in (
        words.level(one, quantity), words.highest(one, quantity), words.slope(one.slope, quantity.unit)) if part)


def _replicas(found: ReplicaMap | None) -> Iterator[str]:
    if found is None:
        return
    yield from section("Replicas", list(words.REPLICA_HEAD), (
        [code(cells[0]), *map(prose, cells[1:])] for cells in map(words.replica_cells, found.rows)))
    if sentence := words.evenness(found):
        yield from ("", sentence)
