"""What a controller measures on the replicas: which signals, and in words."""
from __future__ import annotations

from collections.abc import Iterator

from elastometer.twin.scenario import Controller, HpaController, KedaController
from elastometer.twin.sources import Asked, Nowhere, Signal, Source, signals_in


def sources_of(controller: Controller) -> tuple[Source, ...]:
    """Where its numbers come from: those of the triggers, then those of the HPA's other metrics."""
    match controller:
        case KedaController(hpa=hpa, triggers=triggers):
            return (*(trigger.source for trigger in triggers), *sources_of(hpa))
        case HpaController(sources=sources):
            return tuple(source for source in sources if source is not None)
    return ()


def measured_by(controller: Controller) -> frozenset[Signal]:
    """The signals that the replicas must have."""
    return frozenset(signal for source in sources_of(controller) for signal in signals_in(source))


def source_words(controller: Controller) -> Iterator[str]:
    """Each source as text."""
    for source in sources_of(controller):
        match source:
            case Signal():
                yield source.value
            case Asked(text=text):
                yield text
            case Nowhere(reason=reason):
                yield reason
