"""`spec.demand`: what the user knows of the capacity of one replica. Read tolerantly, as a recorded spec has to be."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from elastometer.model.document import Document, at, document_at, spec_of, text_at

PATH = "spec.demand"
REQUESTS, TOKENS, REFERENCE = "requestsPerSecond", "tokensPerSecond", "calibrationRef"
SOURCES = (REQUESTS, TOKENS, REFERENCE)


@dataclass(frozen=True, slots=True)
class DemandTerms:
    """The capacity of one replica, in requests or in tokens per second, or the name of the test that measured it.
    What is None was not stated."""

    requests_per_second: float | None = None
    prompt_tokens_per_second: float | None = None
    output_tokens_per_second: float | None = None
    calibration: str | None = None
    error_percent: float | None = None
    drain_seconds: float | None = None

    @property
    def is_given(self) -> bool:
        """Whether the capacity itself is stated."""
        return any(value is not None for value in (
            self.requests_per_second, self.prompt_tokens_per_second, self.output_tokens_per_second))


def demand_terms(test: Document) -> DemandTerms:
    """Of an ElasticityTest, given whole or as its spec; a value that is no number above 0 counts as not stated."""
    demand = document_at(spec_of(test), "demand")
    return DemandTerms(
        requests_per_second=_above_zero(at(demand, REQUESTS)),
        prompt_tokens_per_second=_above_zero(at(demand, TOKENS, "prompt")),
        output_tokens_per_second=_above_zero(at(demand, TOKENS, "output")),
        calibration=text_at(demand, REFERENCE, "name"),
        error_percent=_number(at(demand, "errorPercent")), drain_seconds=_above_zero(at(demand, "drainSeconds")),
    )


def demand_flaws(spec: Document) -> Iterator[str]:
    """Every flaw of what is stated, each as `path: must …, is …`."""
    if "demand" not in spec:
        return
    demand = document_at(spec, "demand")
    stated = [name for name in SOURCES if name in demand]
    if len(stated) != 1:
        yield (f"{PATH}: must have exactly one of {', '.join(SOURCES)}, has "
               f"{', '.join(stated) if stated else 'none'}")
    places = [(REQUESTS,), (TOKENS, "prompt"), (TOKENS, "output")]
    for place in places:
        value = at(demand, *place)
        if value is not None and _above_zero(value) is None:
            yield f"{PATH}.{'.'.join(place)}: must be a decimal number above 0, such as \"2.5\", is {value!r}"
    if TOKENS in demand and not any(at(demand, TOKENS, name) is not None for name in ("prompt", "output")):
        yield f"{PATH}.{TOKENS}: must have prompt, output or both, has none"
    if REFERENCE in demand and not text_at(demand, REFERENCE, "name"):
        yield f"{PATH}.{REFERENCE}.name: must be the name of an ElasticityTest, is absent"
    error = at(demand, "errorPercent")
    if error is not None and ((number := _number(error)) is None or not 0 <= number < 100):
        yield f"{PATH}.errorPercent: must be a number from 0 to below 100, is {error!r}"


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _above_zero(value: object) -> float | None:
    number = _number(value)
    return number if number is not None and number > 0 else None
