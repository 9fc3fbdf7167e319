"""How runs are to be compared, as the options of a command say it."""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.model.study import Gate


@dataclass(frozen=True, slots=True)
class Asked:
    """`gates` take the place of those in a study's spec. `again` judges every run first; `allow_different` compares
    runs of different questions too."""

    gates: tuple[Gate, ...] = ()
    again: bool = False
    allow_different: bool = False


NOTHING_ELSE = Asked()
