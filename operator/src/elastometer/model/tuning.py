"""What the twin found when a study asked it to tune an autoscaler: the variants to be confirmed by live runs, each with
what it is predicted to do, or why there are none.

Everything in here is predicted except `measured`. Figures are by the name of a measure of the comparison (missSeconds,
gpuSeconds, …), so that they can be put beside what the runs measure.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from elastometer.model.story import Change

Json = dict[str, Any]


class TuneOutcome(StrEnum):
    """How a search ended."""

    FOUND = "Found"  # there are variants to be confirmed
    NOTHING_HELPS = "NothingHelps"  # no candidate is better by more than the twin's own error; `proof` says why
    CANNOT_TELL = "CannotTell"  # the twin cannot answer for this run


@dataclass(frozen=True, slots=True)
class TuneTerms:
    """What a study asks for. `maximum_gpu_seconds` bounds what a variant may be predicted to cost (the median)."""

    candidates: int = 1000
    confirm: int = 3
    maximum_gpu_seconds: float | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class PredictedFigure:
    """The median over the draws with its range: from the smallest to the largest. In a result of tuning the range is
    widened on both sides by how far the median was from what was measured on the searched run."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Predicted:
    """What is predicted of one set of settings over `draws` random draws, in `held` of which all objectives hold."""

    draws: int
    held: int
    figures: Mapping[str, PredictedFigure]


@dataclass(frozen=True, slots=True)
class TunedVariant:
    """A variant to be confirmed. `patch` is a merge patch (RFC 7386) on the spec of the ElasticityTest whose run was
    searched; it changes the autoscaler only. `apart` is whether its prediction differs from that of the base, and of
    every variant before it, by more than the twin's own error."""

    name: str
    patch: Json
    changes: tuple[Change, ...]
    predicted: Predicted
    apart: bool


@dataclass(frozen=True, slots=True)
class Bound:
    """What no setting within the same maximum can beat, in words, and what is predicted of it."""

    name: str
    predicted: Predicted


@dataclass(frozen=True, slots=True)
class TuneResult:
    """`considered` candidates were predicted, `refused` more were not valid. `error` is the twin's own error on the run
    that was searched, by measure: how far a draw under the recorded settings was from what was `measured`. `base` is
    the prediction of those settings. `reason` is one sentence about the outcome."""

    run: str
    outcome: TuneOutcome
    reason: str
    considered: int = 0
    refused: int = 0
    measured: Mapping[str, float] | None = None
    error: Mapping[str, float] | None = None
    base: Predicted | None = None
    variants: tuple[TunedVariant, ...] = ()
    proof: tuple[Bound, ...] = ()
    notes: tuple[str, ...] = ()
