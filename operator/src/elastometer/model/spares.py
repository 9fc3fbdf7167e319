"""Warm spares as a study measured them."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MeasuredSpares:
    """A variant that is like the baseline but for its minimum of replicas; its figures are in the rows of the
    comparison."""

    variant: str
    minimum: int
