"""What the run cost: Markdown, and the stacked bar of the HTML page."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from elastometer.model.price import Price
from elastometer.render.shapes import fits
from elastometer.render.wording import prices
from elastometer.render.wording.tables import prose, section


@dataclass(frozen=True, slots=True)
class PartBar:
    """One part on the bar; lengths in percent of what was held."""

    name: str
    label: str
    left: float
    width: float
    fits: bool
    tip: str


def price_values(price: Price | None) -> dict[str, object]:
    """What the template needs besides the price itself."""
    return {"prices": prices, "price_bars": bars(price)}


def bars(price: Price | None) -> tuple[PartBar, ...]:
    """The parts side by side. A part of nothing has no bar."""
    if price is None or not price.held_replica_milliseconds:
        return ()
    found, before, held = [], 0, price.held_replica_milliseconds
    for part in price.parts:
        if part.replica_milliseconds:
            label, width = prices.PART_LABELS[part.part], 100 * part.replica_milliseconds / held
            tip = (f"{label}: {prices.area(price, part.replica_milliseconds)} {prices.unit(price)}, "
                   f"{prices.share(price, part)}\n{prices.PART_MEANINGS[part.part]}")
            found.append(PartBar(f"part-{part.part.value}", label, round(100 * before / held, 3), round(width, 3),
                                 fits(label, width / 100), tip))
        before += part.replica_milliseconds
    return tuple(found)


def markdown(price: Price | None) -> Iterator[str]:
    """The sections; nothing without a price."""
    if price is None:
        return
    yield from section(f"Price: {prices.unit(price)}", ["Part", "Seconds", "Share", "Meaning"],
                       ([prose(cell) for cell in row] for _, row in prices.part_rows(price)))
    for remark in prices.remarks(price):
        yield from ("", prose(remark))
    yield from section("Other supplies of the same demand", prices.alternative_head(price), (
        [prose(cell) for cell in row] for row in prices.alternative_rows(price)))
    yield from ("", prices.ORACLE_MEANING)
    yield from section(f"Replicas removed and missed again, areas in {prices.unit(price)}", prices.FLAP_HEAD, (
        [prose(cell) for cell in row] for row in prices.flap_rows(price)))
    yield from section("Money", ["", ""], ([name, prose(value)] for name, value in prices.money_rows(price)))
