"""The corpus of changes by which a gate without a cluster is measured: the changes, what runs said about each, and how
often the gate agrees.

A change is harmful if its runs missed more seconds than those of the baseline, by more than the noise between runs.
"""
from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import yaml

from elastometer.model.comparison import GateState
from elastometer.study.variants.variant_spec import patched

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]
CHANGES = ROOT / "tests/e2e/gate_corpus.yaml"
KEPT = ROOT / "tests/cases/gate_corpus"
# The recorded run whose spec is changed where no live runs of the corpus are kept.
RECORDED = ROOT / "tests/golden/runs/honest-pods-a"
BASE = "base"
# Two standard deviations: of 40 equal pairs, about one would be taken for different.
NOISE = 2.0


@dataclass(frozen=True)
class Corpus:
    """`test` is the ElasticityTest that is changed, `patches` are by the name of the change."""

    test: Json
    patches: Mapping[str, Json]

    def changed(self, name: str) -> Json:
        """The test with a change; the baseline is the change of nothing."""
        return {**self.test, "spec": patched(self.test["spec"], self.patches.get(name, {}))}


def corpus() -> Corpus:
    """The corpus as it is kept."""
    found = yaml.safe_load(CHANGES.read_text())
    test = yaml.safe_load((ROOT / found["template"]).read_text())
    return Corpus({**test, "spec": patched(test["spec"], found["settings"])},
                  {one["name"]: one["patch"] for one in found["changes"]})


def recorded_test(bundle: Path) -> Json:
    """The ElasticityTest of a recorded run."""
    found: Json = json.loads((bundle / "spec.json").read_text())
    return found


@dataclass(frozen=True)
class CorpusRun:
    """One run of the baseline or of a change, and what it said. Misses are None where the run was inconclusive."""

    change: str
    repetition: int
    verdict: str
    miss_seconds: float | None
    gpu_seconds: float | None


@dataclass(frozen=True)
class Results:
    """`source` says where the runs took place: "live" or "simulated"."""

    source: str
    runs: tuple[CorpusRun, ...]


def read_results(path: Path) -> Results:
    """The kept runs."""
    found = json.loads(path.read_text())
    return Results(found["source"], tuple(CorpusRun(**one) for one in found["runs"]))


def write_results(path: Path, results: Results) -> None:
    """One run a line, so that two states can be compared."""
    lines = ",\n    ".join(json.dumps(asdict(run)) for run in results.runs)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{{\n  "source": {json.dumps(results.source)},\n  "runs": [\n    {lines}\n  ]\n}}\n')


@dataclass(frozen=True)
class Label:
    """How many more seconds a change missed than the baseline, on average, and how many could be noise."""

    difference: float
    noise: float

    @property
    def is_harmful(self) -> bool:
        """Whether it missed more than noise explains."""
        return self.difference > self.noise


def labels(results: Results) -> dict[str, Label]:
    """By change, of those with a conclusive run. The noise of a run is that of the baseline's runs, of which
    there must be two."""
    found: dict[str, list[float]] = {}
    for run in results.runs:
        if run.miss_seconds is not None:
            found.setdefault(run.change, []).append(run.miss_seconds)
    base = found.pop(BASE)
    return {name: Label(fmean(values) - fmean(base), NOISE * stdev(base) * sqrt(1 / len(base) + 1 / len(values)))
            for name, values in found.items()}


@dataclass(frozen=True)
class Rates:
    """Counts of harmful and of harmless changes by what the gate said, with the names that it got wrong."""

    harmful: Mapping[GateState, int]
    harmless: Mapping[GateState, int]
    let_through: tuple[str, ...]
    false_alarms: tuple[str, ...]

    @property
    def recall_percent(self) -> float:
        """Harmful changes that are red."""
        return 100 * self.harmful[GateState.REGRESSED] / sum(self.harmful.values())

    @property
    def false_alarm_percent(self) -> float:
        """Harmless changes that are red."""
        return 100 * self.harmless[GateState.REGRESSED] / sum(self.harmless.values())

    def in_words(self, source: str) -> str:
        """For people."""
        counts = [f"{kind}: " + ", ".join(f"{found[state]} {state.value}" for state in GateState)
                  for kind, found in (("harmful", self.harmful), ("harmless", self.harmless))]
        return (f"gate on {source} runs: recall {self.recall_percent:.0f} %, false alarms "
                f"{self.false_alarm_percent:.0f} %; {'; '.join(counts)}; let through: "
                f"{', '.join(self.let_through) or 'none'}; false alarms: {', '.join(self.false_alarms) or 'none'}")


def rates(said: Mapping[str, GateState], known: Mapping[str, Label]) -> Rates:
    """How far what the gate said agrees with what the runs said."""
    harmful = [name for name, label in known.items() if label.is_harmful]
    harmless = [name for name in known if name not in harmful]
    counted = [{state: sum(said[name] is state for name in names) for state in GateState}
               for names in (harmful, harmless)]
    return Rates(counted[0], counted[1], tuple(name for name in harmful if said[name] is GateState.HELD),
                 tuple(name for name in harmless if said[name] is GateState.REGRESSED))


