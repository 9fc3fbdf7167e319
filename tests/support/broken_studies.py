"""The studies against a stand-in that misbehaves: the test of each run, and what its report made of its troubles."""
from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from elastometer.model.findings import FindingName
from elastometer.study.variants.variant_spec import patched

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]
LISTED = ROOT / "tests/cases/broken_studies.yaml"
INJECTED = "injected"
# What may be found only where it was planted; other findings are about the load or the autoscaler's settings.
TROUBLES = frozenset({
    FindingName.OUT_OF_MEMORY, FindingName.MEMORY_GROWS, FindingName.MEMORY_NOT_RETURNED, FindingName.PREEMPTIONS,
    FindingName.QUOTA_EXCEEDED, FindingName.CROSS_TALK, FindingName.TASKS_MIXED_UP, FindingName.ANSWERS_END_EARLY,
    FindingName.REPETITIVE, FindingName.FORGETS, FindingName.STRUCTURE_UNRELIABLE, FindingName.SLOW_FIRST_START,
    "ErrorsAtStart", "Overloaded", "InputTooLong", "JitteryLatency",
})


@dataclass(frozen=True, slots=True)
class Planted:
    """One trouble. `finding` must be found, with `says` in its evidence; `counted` says which records have as many as
    the stand-in injected of `fault`. Instead of a finding, an `objective` fails, or a variant is `worse`."""

    trouble: str
    fault: str | None = None
    counted: Mapping[str, Any] | None = None
    finding: str | None = None
    says: Sequence[str] = ()
    objective: str | None = None
    worse: str | None = None
    measure: str | None = None


@dataclass(frozen=True, slots=True)
class BrokenRun:
    """One run of a study with its troubles; with `variants`, a small study of them."""

    name: str
    of: str
    planted: tuple[Planted, ...]
    stages: Sequence[str] = ()
    args: Sequence[str] = ()
    patch: Json = field(default_factory=dict)
    variants: Sequence[str] = ()
    quota: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one trouble; `flaw` is None where it was found, and as often as it was planted."""

    trouble: str
    found: str
    evidence: str
    flaw: str | None


def broken_runs() -> tuple[BrokenRun, ...]:
    """As they are listed."""
    listed = yaml.safe_load(LISTED.read_text())["runs"]
    return tuple(BrokenRun(**{**one, "planted": tuple(Planted(**item) for item in one["planted"])}) for one in listed)


def manifest_of(run: BrokenRun) -> Json:
    """The test, or the study of its variants."""
    document: Json = yaml.safe_load((ROOT / f"manifests/studies/{run.of}/smoke.yaml").read_text())
    spec = copy.deepcopy(document["spec"].get("template", document["spec"]))
    kept = {one["name"]: one for one in spec["load"]["stages"]}
    spec["load"]["stages"] = [kept[name] for name in run.stages]
    spec = patched(spec, copy.deepcopy(run.patch))
    if run.args:  # an empty list would replace all arguments of the study
        spec = patched(spec, {"target": {"server": {"args": list(run.args)}}})
    spec["objectives"] = [one for one in spec["objectives"] if _applies(one, spec["load"]["stages"])]
    spec["measurement"]["series"] = [{
        "name": INJECTED, "unit": "requests",
        "query": 'sum by (fault) (standin_injected_total{namespace="$namespace",pod=~"$pods"})'}]
    head = {"apiVersion": document["apiVersion"], "metadata": {"name": f"broken-{run.name}"}}
    if not run.variants:
        return {**head, "kind": "ElasticityTest", "spec": spec}
    variants = [{"name": one["name"], "patch": {"target": one["patch"]["target"]}}
                for one in document["spec"]["variants"] if one["name"] in run.variants]
    return {**head, "kind": "ElasticityStudy", "spec": {
        "template": spec, "variants": variants, "baseline": run.variants[0], "repetitions": 3, "parallelism": 2}}


def _applies(objective: Json, stages: Sequence[Json]) -> bool:
    """Whether the objective's stage and task are there."""
    tasks = {name for stage in stages for name in stage.get("tasks", ())}
    tasks |= {f"sweep-{length}" for stage in stages for length in stage.get("inputTokens", ())}
    names = {stage["name"] for stage in stages}
    return objective.get("stageName") in (None, *names) and (not tasks or objective.get("taskName") in (None, *tasks))


def outcomes(
    run: BrokenRun, report: Json, records: Sequence[Json], injected: Mapping[str, int],
) -> Iterator[Outcome]:
    """What became of each trouble, and what was found that nobody planted."""
    found = {one["name"]: one for one in report.get("findings") or ()}
    for one in run.planted:
        yield _outcome(one, report, found, _count_flaw(one, records, injected))
    wanted = {one.finding for one in run.planted}
    for name, finding in found.items():
        if name in TROUBLES and name not in wanted:
            yield Outcome("nothing", name, finding["evidence"], "was not planted")


def _outcome(one: Planted, report: Json, found: Mapping[str, Json], count_flaw: str | None) -> Outcome:
    if one.worse is not None:
        row = next(row for row in report["rows"] if row["measure"]["name"] == one.measure)
        judged = next(item["judgement"] for item in row["differences"] if item["variant"] == one.worse)
        return Outcome(one.trouble, f"{one.worse}: {judged}", one.measure or "",
                       None if judged == "Worse" else "is not Worse")
    if one.objective is not None:
        row = next(row for row in report["objectives"] if row["name"] == one.objective)
        return Outcome(one.trouble, f"{one.objective}: {row['verdict']}", row["message"],
                       None if row["verdict"] == "Fail" else "did not fail")
    if one.finding is None:
        return Outcome(one.trouble, "counted", one.fault or "", count_flaw)
    finding = found.get(one.finding)
    if finding is None:
        return Outcome(one.trouble, "-", "", f"{one.finding} was not found")
    unsaid = [text for text in one.says if text not in finding["evidence"]]
    return Outcome(one.trouble, one.finding, finding["evidence"], f"does not say {unsaid}" if unsaid else count_flaw)


def _count_flaw(one: Planted, records: Sequence[Json], injected: Mapping[str, int]) -> str | None:
    """Whether the records have as many as the stand-in's own count."""
    if one.fault is None:
        return None
    planted = injected.get(one.fault, 0)
    if planted == 0:
        return f"the stand-in injected no {one.fault}"
    if one.counted is None:
        return None
    seen = sum(_is_counted(record, one.counted) for record in records)
    return None if seen == planted else f"{planted} injected, {seen} in the records"


def _is_counted(record: Json, wanted: Mapping[str, Any]) -> bool:
    if "check" in wanted:
        failure = (record.get("checks") or {}).get(wanted["check"])
        return failure is not None and str(failure).startswith(wanted.get("failure", ""))
    if wanted.get("attempts") == "again":
        return int(record.get("attempts") or 1) > 1
    return all(record.get(name) == value for name, value in wanted.items())
