"""What an ElasticityStudy asks: its template, the variants of it, and when it ends. `study_parse` reads it."""
from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from elastometer.model.measure import Better
from elastometer.model.study_names import StudyNames, tuned_name

Json = dict[str, Any]
MAX_RUNS = 200
# As in the CRD: what is left of the 40 characters of a run's name for the shortest variant and repetition.
MAX_STUDY_NAME = 36
DEFAULT_CANDIDATES, DEFAULT_CONFIRM = 1000, 3


class Order(StrEnum):
    """In which order the runs are made."""

    INTERLEAVED = "Interleaved"
    """The first repetition of every variant, then the second: a drift of the cluster affects all variants alike."""
    SEQUENTIAL = "Sequential"
    """All repetitions of the first variant, then all of the second."""
    RANDOMIZED = "Randomized"
    """As Interleaved, with an order of the variants that is drawn for each repetition."""


class Preset(StrEnum):
    """A patch that follows from the template."""

    STATIC_MINIMUM = "StaticMinimum"
    STATIC_MAXIMUM = "StaticMaximum"
    CALIBRATION = "Calibration"


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run the template. `patch` is a JSON merge patch (RFC 7386), applied after the preset's. That of a
    variant which a search found is applied to the test of the variant `source` instead. `repetitions` of None are the
    study's; a variant that is not `compared` is only reported."""

    name: str
    patch: Json
    preset: Preset | None = None
    source: str | None = None
    repetitions: int | None = None
    compared: bool = True

    @property
    def is_comparable(self) -> bool:
        """Whether it is compared with the others; a calibration bears another load."""
        return self.compared and self.preset is not Preset.CALIBRATION


@dataclass(frozen=True, slots=True)
class StopWhen:
    """What ends a study before all its runs are done. `gpu_seconds` are those of all runs together, `minutes` count
    from the study's start; None sets no limit."""

    variant_passes: bool = False
    run_fails: bool = False
    gpu_seconds: int | None = None
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """How much worse than the baseline a measure may be: by `percent` of the baseline's value, or by `absolute` in the
    measure's unit; exactly one is given. A `direction` of None is the measure's own."""

    measure: str
    percent: int | None = None
    absolute: Decimal | None = None
    direction: Better | None = None


@dataclass(frozen=True, slots=True)
class TuneSpec:
    """A search for better settings of the variant `source`, the best of which are run as variants `tuned-1` to
    `tuned-<confirm>`. `maximum_gpu_seconds` is the most that one run may be predicted to use."""

    source: str
    candidates: int = DEFAULT_CANDIDATES
    confirm: int = DEFAULT_CONFIRM
    maximum_gpu_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class StudySpec:
    """One study, parsed. `template` is the spec of an ElasticityTest, with the CRD's defaults if it was served.
    `allow_different` compares variants although they were asked differently."""

    names: StudyNames
    generation: int
    template: Json
    variants: tuple[Variant, ...]
    baseline: str
    repetitions: int
    order: Order
    seed: int
    parallelism: int
    warmup: bool
    stop_when: StopWhen
    gates: tuple[Gate, ...]
    tune: TuneSpec | None
    allow_different: bool
    raw: Json

    def variant(self, name: str) -> Variant:
        """The variant of that name; raises KeyError if the spec has none."""
        return {one.name: one for one in self.variants}[name]

    def repetitions_of(self, variant: Variant) -> int:
        """How often a variant is run."""
        return self.repetitions if variant.repetitions is None else variant.repetitions


def tuned_variant(tune: TuneSpec, number: int, patch: Json) -> Variant:
    """A variant that the search found; they are counted from 1. `patch` changes the spec of the source's test."""
    return Variant(tuned_name(number), patch, source=tune.source)


def run_count(study: StudySpec) -> int:
    """How many runs the study has if nothing stops it: the warm-up and those of the tuned variants too."""
    tuned = 0 if study.tune is None else study.tune.confirm * study.repetitions
    return sum(map(study.repetitions_of, study.variants)) + tuned + study.warmup
