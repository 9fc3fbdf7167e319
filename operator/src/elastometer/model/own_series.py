"""What a test records besides the tool's own queries: spec.measurement.series, a name, a unit and a query each."""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.model.document import Document, documents_at, text_at

PATH = "spec.measurement.series"


@dataclass(frozen=True, slots=True)
class OwnSeries:
    """One query of a team. The unit is text; `bytes`, `seconds` and `percent` are formatted as such."""

    name: str
    unit: str
    query: str


def own_series(spec: Document) -> tuple[OwnSeries, ...]:
    """Those of a test's `spec`, which may be partial: an entry without a name, a unit or a query is left out."""
    found = ((text_at(item, "name"), text_at(item, "unit"), text_at(item, "query"))
             for item in documents_at(spec, "measurement", "series"))
    return tuple(OwnSeries(name, unit, query) for name, unit, query in found
                 if name is not None and unit is not None and query is not None)
