"""A run's report.json, of this version or an earlier one, as the figures that a comparison needs."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from elastometer.model.document import EMPTY, Document, at, document_at, number_at, spec_of, text_at, whole_at
from elastometer.model.measurements import Steps
from elastometer.model.measures import MEASURES
from elastometer.model.report import Verdict
from elastometer.model.run_figures import WARMUP_REASON, RunFigures, RunLabel
from elastometer.study.compare.question import question_of
from elastometer.study.compare.readers import READERS, Found

LARGEST = 1e15
_VERDICTS = {verdict.value: verdict for verdict in Verdict}


def figures_of(report: Document, label: RunLabel, test: Document = EMPTY, provenance: Document = EMPTY) -> RunFigures:
    """One run by its report.json; `test` is its spec.json and `provenance` its provenance.json, which say what was
    asked. Without the spec, the run is compared with any other: nothing is known to differ."""
    found = {measure.name: _usable(READERS[measure.name](report)) for measure in MEASURES}
    verdict = _VERDICTS.get(text_at(report, "verdict") or "")
    return RunFigures(
        label=label, verdict=verdict, reason=text_at(report, "verdictReason") or "",
        message=text_at(report, "verdictMessage") or "", excluded=_excluded(label, verdict, report),
        figures={name: one.value for name, one in found.items()},
        missing={name: one.reason or "" for name, one in found.items() if one.value is None},
        load_seconds=_load_seconds(report), ready=_steps(at(report, "timeline", "ready")),
        ordered=_steps(at(report, "timeline", "spec")), demand=_steps(at(report, "demand", "arrival")),
        scaler=text_at(spec_of(test), "autoscaler", "type"), maximum_replicas=_maximum(spec_of(test), report),
        currency=text_at(report, "price", "money", "currency"), question=question_of(test, provenance),
    )


def without_report(label: RunLabel, reason: str, message: str = "") -> RunFigures:
    """A run of which there is no report: it was not carried out, or not judged. `reason` says so in words."""
    return RunFigures(label, None, reason, message, WARMUP_REASON if label.is_warmup else reason)


def with_samples(run: RunFigures, samples: Mapping[str, Sequence[float]]) -> RunFigures:
    """The run with the latencies of its requests, in milliseconds by measure and in order of time."""
    return replace(run, samples=samples)


def _usable(found: Found) -> Found:
    """Any file may hold numbers that no run can have: every measure counts from 0."""
    if found.value is None or 0 <= found.value <= LARGEST:
        return found
    return Found(None, f"must be from 0 to {LARGEST:g}, is {found.value:g}")


def _excluded(label: RunLabel, verdict: Verdict | None, report: Document) -> str | None:
    if label.is_warmup:
        return WARMUP_REASON
    if verdict is None:
        return "its report has no verdict of a known kind"
    if verdict is Verdict.INCONCLUSIVE:
        return f"inconclusive: {text_at(report, 'verdictMessage') or text_at(report, 'verdictReason') or 'no reason'}"
    return "it is a prediction, not a run" if document_at(report, "predicted") else None


def _load_seconds(report: Document) -> float | None:
    stages = [end for stage in _list(report, "stages") if (end := number_at(stage, "endSeconds")) is not None]
    return max(stages, default=None)


def _maximum(spec: Document, report: Document) -> int | None:
    scaler = document_at(spec, "autoscaler")
    bounds = (whole_at(scaler, "horizontalPodAutoscaler", "maxReplicas"),
              whole_at(scaler, "scaledObject", "maxReplicaCount"), whole_at(scaler, "replicas"),
              whole_at(report, "autoscaler", "maximum"))
    return next((one for one in bounds if one is not None), None)


def _list(node: Document, *path: str) -> list[Any]:
    found = at(node, *path)
    return found if isinstance(found, list) else []


def _steps(found: object) -> Steps:
    return tuple(_pairs(found)) if isinstance(found, list) else ()


def _pairs(found: list[Any]) -> Iterator[tuple[float, int | None]]:
    for pair in found:
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], (int, float)):
            yield float(pair[0]), pair[1] if isinstance(pair[1], int) else None
