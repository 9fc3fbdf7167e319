"""What was already there when the Pod of a server began: a closed vocabulary, from evidence only."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class StartClass(StrEnum):
    """What was there when the Pod began, from the least to the most. From IMAGE_PRESENT to COMPILE_CACHED, each class
    says that everything before it was there too. It says nothing of what is above it."""

    UNKNOWN = "Unknown"  # the record does not show whether the image was there
    COLD = "Cold"  # the image was pulled
    IMAGE_PRESENT = "ImagePresent"  # the image was on the node; the weights were fetched, or nothing shows it
    WEIGHTS_CACHED = "WeightsCached"  # the weights were there too; graphs were compiled, or none were needed
    COMPILE_CACHED = "CompileCached"  # every compiled graph came from a cache
    WOKEN = "Woken"  # the engine had slept in the Pod, and was woken
    RESTORED = "Restored"  # the process came from a snapshot


# As the pages show them.
CLASS_LABELS: Mapping[StartClass, str] = {
    StartClass.UNKNOWN: "unknown", StartClass.COLD: "cold", StartClass.IMAGE_PRESENT: "image present",
    StartClass.WEIGHTS_CACHED: "weights cached", StartClass.COMPILE_CACHED: "compile cached",
    StartClass.WOKEN: "woken", StartClass.RESTORED: "restored",
}


class Ingredient(StrEnum):
    """What a start needs."""

    IMAGE = "image"
    WEIGHTS = "weights"
    COMPILATION = "compilation"


class Presence(StrEnum):
    """Whether it was there. NOT_NEEDED: an eager server compiles nothing, and random weights are not read."""

    PRESENT = "Present"
    ABSENT = "Absent"
    NOT_NEEDED = "NotNeeded"
    UNKNOWN = "Unknown"


PRESENCE_LABELS: Mapping[Presence, str] = {
    Presence.PRESENT: "present", Presence.ABSENT: "absent", Presence.NOT_NEEDED: "not needed",
    Presence.UNKNOWN: "unknown",
}


@dataclass(frozen=True, slots=True)
class StartFact:
    """Whether one ingredient was there when the Pod began, and the evidence for it, or why there is none."""

    ingredient: Ingredient
    presence: Presence
    evidence: str


@dataclass(frozen=True, slots=True)
class ClassifiedStart:
    """The class of a start with the facts that it follows from. `evidence` is that of a woken or restored start."""

    name: StartClass = StartClass.UNKNOWN
    facts: tuple[StartFact, ...] = ()
    evidence: str | None = None


NO_EVIDENCE = ClassifiedStart()
