"""The names of what a study makes: its runs, its report, and its directory."""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.model.names import MANAGED_BY_LABEL, REPETITION_LABEL, STUDY_LABEL, VARIANT_LABEL

# The run before the first repetition, which is not judged.
WARMUP, WARMUP_REPETITION = "warmup", 0
# Variants that a search found are called `tuned-1`, `tuned-2` and so on.
TUNED_PREFIX = "tuned-"


@dataclass(frozen=True, slots=True)
class StudyNames:
    """The names of one study's children, and its place below the operator's data directory."""

    namespace: str
    study: str
    uid: str

    def run_name(self, variant: str, repetition: int) -> str:
        """The ElasticityTest of one repetition; they are counted from 1."""
        return f"{self.study}-{variant}-{repetition}"

    @property
    def warmup(self) -> str:
        """The ElasticityTest of the run that is not judged."""
        return f"{self.study}-{WARMUP}"

    @property
    def report(self) -> str:
        """ConfigMap with the report."""
        return f"{self.study}-study"

    @property
    def directory(self) -> str:
        """Path of the study below the operator's data directory. Part of the uid keeps studies of one name apart."""
        return f"studies/{self.namespace}/{self.study}-{self.uid[:8]}"

    def labels(self, variant: str, repetition: int) -> dict[str, str]:
        """Labels of a run; the repetition of the warm-up is 0."""
        return {STUDY_LABEL: self.study, VARIANT_LABEL: variant, REPETITION_LABEL: str(repetition),
                MANAGED_BY_LABEL: "elastometer"}


def tuned_name(number: int) -> str:
    """The name of a variant that a search found; they are counted from 1."""
    return f"{TUNED_PREFIX}{number}"
