"""Rows that the twin of a run predicts from the run itself: what other settings would have done to it.

All figures are predicted but the `measured` ones. What could not be predicted is None, with a reason.
"""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.model.story import Change, Effect


@dataclass(frozen=True, slots=True)
class PredictedRow:
    """One set of settings. `cost` is in GPU-seconds if a replica has GPUs, otherwise in replica-seconds; `money` is the
    decimal string that the predicted cost comes to. All objectives hold in `held` of `draws` predictions. With a
    `reason` nothing was predicted; `missing` has why a single figure is not there, by its name in report.json."""

    name: str
    changes: tuple[Change, ...] = ()
    miss_seconds: Effect | None = None
    first_token_p95_milliseconds: Effect | None = None
    cost: Effect | None = None
    money: str | None = None
    held: int = 0
    draws: int = 0
    reason: str | None = None
    missing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The rows of `spec.whatIf`, in order; `recorded` is the twin's prediction of the recorded settings, whose ± is its
    own error on this run. With a `reason` no row was predicted."""

    rows: tuple[PredictedRow, ...] = ()
    recorded: PredictedRow | None = None
    has_gpus: bool = False
    currency: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class WarmSpares:
    """The run with another minimum of replicas. The row of the recorded minimum holds what was measured beside what the
    twin makes of it. With a `reason` nothing was predicted."""

    path: str | None = None
    recorded_minimum: int | None = None
    rows: tuple[PredictedRow, ...] = ()
    has_gpus: bool = False
    currency: str | None = None
    reason: str | None = None
