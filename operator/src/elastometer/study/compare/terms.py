"""What a comparison is asked: which variants, against which baseline, and what must not become worse."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from elastometer.model.study import Gate
from elastometer.model.tuning import PredictedFigure

_NOTHING_PREDICTED: Mapping[str, PredictedFigure] = {}


@dataclass(frozen=True, slots=True)
class VariantTerms:
    """One variant. `planned` is how many runs of it there should be. `predicted` is by measure, of a variant that the
    twin found or was asked about. `not_compared` says why none of its runs is compared, as of a calibration."""

    name: str
    planned: int = 0
    patch: str | None = None
    is_tuned: bool = False
    predicted: Mapping[str, PredictedFigure] = field(default_factory=lambda: _NOTHING_PREDICTED)
    not_compared: str | None = None


@dataclass(frozen=True, slots=True)
class CompareTerms:
    """`across_questions` compares runs although they were asked differently; what differs is named all the same."""

    study: str
    namespace: str
    baseline: str
    variants: tuple[VariantTerms, ...]
    gates: tuple[Gate, ...] = ()
    across_questions: bool = False

    @property
    def others(self) -> tuple[VariantTerms, ...]:
        """The variants that are compared with the baseline."""
        return tuple(one for one in self.variants if one.name != self.baseline and one.not_compared is None)
