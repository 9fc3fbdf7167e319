"""How a task's answers are sampled: the fields that each request sends, and where their values may lie. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from elastometer_loadgen.base.fields import Fields
from elastometer_loadgen.base.spans import Span, decimal_span


class SeedRule(StrEnum):
    """Which seed a request sends to the server."""

    PER_REQUEST = "PerRequest"


@dataclass(frozen=True, slots=True)
class SampledField:
    """A field of the body that is drawn from a span, and the limits that servers have for it."""

    body_name: str
    low: str
    high: str


# vLLM and others accept a topP and a repetitionPenalty above 0 only; the two other penalties are OpenAI's.
SAMPLED: Mapping[str, SampledField] = {
    "temperature": SampledField("temperature", "0", "2"),
    "topP": SampledField("top_p", "0.000001", "1"),
    "repetitionPenalty": SampledField("repetition_penalty", "0.000001", "100"),
    "frequencyPenalty": SampledField("frequency_penalty", "-2", "2"),
    "presencePenalty": SampledField("presence_penalty", "-2", "2"),
}
SAMPLING_FIELDS = (*SAMPLED, "seed")


@dataclass(frozen=True, slots=True)
class Sampling:
    """Spans by the names in the profile; a field without one is not sent."""

    spans: Mapping[str, Span]
    seed: SeedRule | None = None


def parse_sampling(fields: Fields) -> Sampling:
    """The field `sampling` of a task; faults are appended, never raised."""
    given = fields.mapping("sampling", SAMPLING_FIELDS)
    spans = {name: decimal_span(given, name, field.low, field.high) for name, field in SAMPLED.items()}
    seed = given.choice("seed", SeedRule, default=SeedRule.PER_REQUEST) if given.has("seed") else None
    return Sampling({name: span for name, span in spans.items() if span is not None}, seed)
