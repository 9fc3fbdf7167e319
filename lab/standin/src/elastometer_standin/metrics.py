"""Prometheus text in the form that prometheus_client writes: sorted labels, `_created` companions, floats.

Written here without prometheus_client because a scrape must cost little while a thousand streams run: it shares the
event loop with them, so its time is added to a token gap.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf

Labels = tuple[tuple[str, str], ...]


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def label_text(labels: Labels) -> str:
    """`{name="value",…}` in order of names; empty without labels."""
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in sorted(labels)) + "}"


def number_text(value: float) -> str:
    """The number as prometheus_client writes it: `1.0`, `+Inf`, and Go's exponent from a million upwards."""
    if value == inf:
        return "+Inf"
    # As prometheus_client does it: repr is the shortest text that reads back as the same number.
    text = repr(float(value))
    whole, _, fraction = text.partition(".")
    if fraction and "e" not in text and len(whole) > 6 and value > 0:
        mantissa = f"{whole[0]}.{whole[1:]}{fraction}".rstrip("0").rstrip(".")
        return f"{mantissa}e+{len(whole) - 1:02d}"
    return text


def one_two_five(maximum: int) -> tuple[float, ...]:
    """1, 2, 5, 10, 20, 50 … up to and including `maximum`: vLLM's buckets for lengths in tokens."""
    return tuple(
        float(step * 10**power)
        for power in range(len(str(maximum)))
        for step in (1, 2, 5)
        if step * 10**power <= maximum
    )


@dataclass(slots=True)
class Value:
    """A gauge or a counter of one label set."""

    value: float = 0.0

    def inc(self, amount: float = 1.0) -> None:
        """Add to it."""
        self.value += amount


@dataclass(slots=True)
class Histogram:
    """One label set of a histogram; `bounds` exclude +Inf."""

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float, times: int = 1) -> None:
        """Count a value, `times` over. Counts are per bucket here and cumulative only in the text."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times


@dataclass(slots=True)
class Family:
    """One metric family. `name` is without `_total`; `kind` is gauge, counter or histogram."""

    name: str
    kind: str
    documentation: str
    children: dict[Labels, Value | Histogram] = field(default_factory=dict)
    created: float | None = None
    """Unix seconds; None leaves the `_created` companion out."""

    def lines(self) -> Iterator[str]:
        """Its lines of the exposition, comments first."""
        sample = f"{self.name}_total" if self.kind == "counter" else self.name
        yield f"# HELP {sample} {_escape_help(self.documentation)}"
        yield f"# TYPE {sample} {self.kind}"
        for labels, child in self.children.items():
            if isinstance(child, Histogram):
                yield from _histogram_lines(self.name, labels, child)
            else:
                yield f"{sample}{label_text(labels)} {number_text(child.value)}"
        if self.created is not None and self.kind != "gauge":
            yield f"# HELP {self.name}_created {_escape_help(self.documentation)}"
            yield f"# TYPE {self.name}_created gauge"
            for labels in self.children:
                yield f"{self.name}_created{label_text(labels)} {number_text(self.created)}"


def _escape_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _histogram_lines(name: str, labels: Labels, histogram: Histogram) -> Iterator[str]:
    cumulative = 0
    for bound, count in zip((*histogram.bounds, inf), histogram.counts, strict=True):
        cumulative += count
        yield f"{name}_bucket{label_text((*labels, ('le', number_text(bound))))} {number_text(cumulative)}"
    yield f"{name}_count{label_text(labels)} {number_text(cumulative)}"
    yield f"{name}_sum{label_text(labels)} {number_text(histogram.total)}"


def render(families: Sequence[Family]) -> bytes:
    """The whole page."""
    return ("\n".join(line for family in families for line in family.lines()) + "\n").encode()
