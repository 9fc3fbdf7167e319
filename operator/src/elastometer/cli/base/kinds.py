"""The two kinds of object that commands make, follow and fetch, and their names in sentences."""
from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elastometer.model.names import KIND, PLURAL, STUDY_KIND, STUDY_PLURAL


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind as the API server serves it. `short` is what kubectl takes, `noun` what a sentence calls an object."""

    name: str
    plural: str
    short: str
    noun: str


TEST = Kind(KIND, PLURAL, "etest", "test")
STUDY = Kind(STUDY_KIND, STUDY_PLURAL, "estudy", "study")
KINDS = (TEST, STUDY)
EITHER = " or ".join(kind.name for kind in KINDS)


def kind_of(manifest: Mapping[str, Any]) -> Kind:
    """The kind of a manifest that was read."""
    return STUDY if manifest["kind"] == STUDY.name else TEST


def called(word: str) -> Kind:
    """An argument type: the kind that is called `test` or `study`."""
    found = next((kind for kind in KINDS if kind.noun == word), None)
    if found is None:
        raise argparse.ArgumentTypeError(f"must be {' or '.join(kind.noun for kind in KINDS)}, is {word!r}")
    return found
