"""What the run held, in Markdown."""
from __future__ import annotations

from collections.abc import Iterator

from elastometer.model.measurements import Price
from elastometer.render.wording import numbers
from elastometer.render.wording.tables import section


def markdown(price: Price | None) -> Iterator[str]:
    """The section; nothing without a price."""
    if price is None:
        return
    unit = f" (× {price.gpus_per_replica} GPU)" if price.gpus_per_replica else ""
    yield from section(f"Replica-seconds{unit}", ["Ready", "Held", "Always at maximum", "Always at minimum"], [[
        numbers.number(price.ready_replica_seconds), numbers.number(price.held_replica_seconds),
        numbers.number(price.static_peak_replica_seconds), numbers.number(price.static_minimum_replica_seconds)]])
