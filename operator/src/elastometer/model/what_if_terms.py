"""`spec.whatIf`: other settings that the report predicts from the run itself. Read tolerantly: a bundle may be partial.

Whether a path names a field of the autoscaler, and whether its value is one, is asked where the twin is known.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from elastometer.model.document import Document, documents_at, spec_of, text_at

PATH = "spec.whatIf"


@dataclass(frozen=True, slots=True)
class WhatIfTerms:
    """One row: its name, and the settings by their path, as `elastometer what-if --set` takes them."""

    name: str
    settings: Mapping[str, object]


def what_if_terms(test: Document) -> tuple[WhatIfTerms, ...]:
    """Of an ElasticityTest, given whole or as its spec; an entry without a name or settings is left out."""
    found = ((text_at(item, "name"), item.get("set")) for item in documents_at(spec_of(test), "whatIf"))
    return tuple(WhatIfTerms(name, settings) for name, settings in found
                 if name is not None and isinstance(settings, Mapping) and settings)


def what_if_flaws(spec: Document) -> Iterator[str]:
    """What can be said without the twin: there must be an autoscaler, and something to set."""
    if "whatIf" not in spec:
        return
    if text_at(spec, "autoscaler", "type") == "None":
        yield f"{PATH}: must be absent where nothing scales (`autoscaler.type` is None), is given"
    for index, item in enumerate(documents_at(spec, "whatIf")):
        if not item.get("set"):
            yield f"{PATH}[{index}].set: must have at least one setting, such as {{target: 60}}, has none"
