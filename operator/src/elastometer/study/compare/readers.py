"""How each measure is read out of a run's report.json: a value, or the reason why there is none.

Reports of earlier versions lack what they did not know; that is a reason as well, and never a zero.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from elastometer.model.document import Document, at, document_at, documents_at, number_at, text_at
from elastometer.model.elasticity import SupplyKind
from elastometer.model.measurements import Origin
from elastometer.model.measures import (
    FAILED_OBJECTIVES,
    GPU_SECONDS,
    LATENCIES,
    MISS_SECONDS,
    MONEY,
    PERCENTS,
    REPLICA_SECONDS,
    latency_name,
    outcome_name,
)
from elastometer.model.price import AlternativeName, Part
from elastometer.model.report import Verdict
from elastometer.model.resources_used import Of
from elastometer.model.schema import shown
from elastometer_loadgen.base.measures import nearest_rank
from elastometer_loadgen.base.record import Outcome

MILLI = 1000
_FAILED = tuple(one for one in Outcome if one is not Outcome.SUCCESS)


class Found(NamedTuple):
    """A value, or why there is none."""

    value: float | None
    reason: str | None = None


Reader = Callable[[Document], Found]


def lacks(what: str) -> Found:
    """The report does not hold it at all, as those of an earlier version do not."""
    return Found(None, f"the report has no {what}; `elastometer judge` writes it again from the bundle")


def _number(document: Document, *path: str, per: float = 1, reason: str = "") -> Found:
    """A number that the report either holds, or states as null."""
    *parents, name = path
    if name not in document_at(document, *parents):
        return lacks(".".join(path))
    value = number_at(document, *path)
    return Found(None, reason or f"{'.'.join(path)} was not measured") if value is None else Found(value / per)


def _misses(report: Document) -> Found:
    run = next((one for one in documents_at(report, "price", "alternatives")
                if text_at(one, "name") == AlternativeName.RUN), None)
    if run is None:
        return lacks("price.alternatives")
    return _number(run, "missSeconds", reason=text_at(run, "missReason") or "")


def _failed_objectives(report: Document) -> Found:
    found = [text_at(one, "verdict") for one in documents_at(report, "objectives")]
    if not found:
        return Found(None, "the test has no objectives")
    if Verdict.INCONCLUSIVE in found:
        return Found(None, f"{found.count(Verdict.INCONCLUSIVE)} of {len(found)} objectives could not be judged")
    return Found(float(found.count(Verdict.FAIL)))


def _gpu_seconds(report: Document) -> Found:
    return _number(report, "price", "paidGpuMilliseconds", per=MILLI, reason=text_at(report, "price", "noGpus") or "")


def _part(report: Document, part: Part) -> Found:
    if "parts" not in document_at(report, "price"):
        return lacks("price.parts")
    row = next((one for one in documents_at(report, "price", "parts") if text_at(one, "part") == part), None)
    if row is None:
        return Found(None, text_at(report, "price", "notSplit") or f"price.parts has no {part}")
    return _number(row, "gpuMilliseconds", per=MILLI, reason=text_at(report, "price", "noGpus") or "")


def _money(report: Document) -> Found:
    amount = document_at(report, "price", "money", "run")
    if "value" not in amount:
        return lacks("price.money")
    text = text_at(amount, "value")
    if text is None:
        return Found(None, text_at(amount, "reason") or "the run has no price")
    try:
        return Found(float(text))
    except ValueError:
        return Found(None, f"price.money.run.value must be a decimal number, is {shown(text)}")


def total(report: Document) -> Document:
    """The row of the whole load, which is the last."""
    rows = documents_at(report, "load")
    return rows[-1] if rows else {}


def _latency(report: Document, key: str, percent: int) -> Found:
    return _number(total(report), key, f"p{percent}", reason="no request got that far")


def _outcomes(report: Document, *wanted: Outcome) -> Found:
    row = total(report)
    counted = at(row, "outcomes")
    if not isinstance(counted, Mapping):
        return lacks("load")
    return Found(sum(number_at(row, "outcomes", outcome) or 0.0 for outcome in wanted))


def _outcome(report: Document, outcome: Outcome) -> Found:
    return _outcomes(report, outcome)


def _lost(report: Document) -> Found:
    if "scaleIns" not in report:
        return lacks("scaleIns")
    return Found(sum(number_at(row, "lost", outcome) or 0.0
                     for row in documents_at(report, "scaleIns") for outcome in document_at(row, "lost")))


def _score(report: Document, supply: str, name: str) -> Found:
    found = document_at(report, "elasticity")
    row = next((one for one in documents_at(found, "supplies") if text_at(one, "supply") == supply), None)
    if row is None:
        reason = text_at(found, "reason") or text_at(report, "demand", "reason")
        return Found(None, reason) if reason else lacks("elasticity")
    if not document_at(row, "score"):
        return Found(None, text_at(row, "reason") or "the supply was not scored")
    return _number(row, "score", name)


def _cold_start_under(report: Document) -> Found:
    return _number(report, "elasticity", "coldStartUnder", reason=text_at(report, "elasticity", "reason") or "")


def _cold_start(report: Document, percent: int) -> Found:
    if "coldStarts" not in report:
        return lacks("coldStarts")
    known = sorted(value for row in documents_at(report, "coldStarts") if text_at(row, "origin") == Origin.SCALE_OUT
                   and (value := number_at(row, "coldStart", "milliseconds")) is not None)
    found = nearest_rank(known, percent)
    return Found(None, "no Pod was added by a scale-out and became Ready") if found is None else Found(found)


def _flaps(report: Document) -> Found:
    return Found(float(len(documents_at(report, "price", "flaps")))) if "flaps" in document_at(
        report, "price") else lacks("price.flaps")


def _overshoot(report: Document) -> Found:
    if "overshoot" not in document_at(report, "price"):
        return lacks("price.overshoot")
    return _number(report, "price", "overshoot", "readyReplicas") if document_at(
        report, "price", "overshoot") else Found(None, text_at(report, "demand", "reason") or "no demand is known")


def _peak(report: Document, quantity: str, of: str) -> Found:
    row = next((one for one in documents_at(report, "resources", "quantities")
                if text_at(one, "name") == quantity), None)
    if row is None:
        return Found(None, text_at(report, "resources", "reason") or lacks(f"resources.{quantity}").reason)
    peak = next((one for one in documents_at(row, "rows") if text_at(one, "of") == of), None)
    return Found(None, text_at(row, "reason") or "no samples") if peak is None else _number(peak, "peak")


def _at(*path: str, per: float = 1, reason: str = "") -> Reader:
    return lambda report: _number(report, *path, per=per, reason=reason)


def _latencies() -> Iterator[tuple[str, Reader]]:
    for key in LATENCIES:
        for percent in PERCENTS:
            yield latency_name(key, percent), partial(_latency, key=key, percent=percent)


def _scores() -> Iterator[tuple[str, Reader]]:
    for supply in (SupplyKind.READY, SupplyKind.ORDERED):
        for name in ("thetaUnder", "thetaOver", "tauUnder", "tauOver"):
            yield f"{name}{supply}", partial(_score, supply=supply, name=name)


# By the names of the registry; a test keeps the two equal.
READERS: Mapping[str, Reader] = {
    MISS_SECONDS: _misses,
    FAILED_OBJECTIVES: _failed_objectives,
    "failedAnswers": _at("summary", "failedAnswerCount", reason="no answer was judged by a check"),
    GPU_SECONDS: _gpu_seconds,
    REPLICA_SECONDS: _at("price", "paidReplicaMilliseconds", per=MILLI),
    **{f"{part.lower()}GpuSeconds": partial(_part, part=part)
       for part in (Part.USEFUL, Part.KEPT, Part.IDLE, Part.STARTING, Part.DRAINING)},
    MONEY: _money,
    **dict(_latencies()),
    "successPercent": lambda report: _number(total(report), "successPercent", reason="no request was sent"),
    "outputTokensPerSecond": lambda report: _number(
        total(report), "outputTokensPerSecond", reason="the server stated no counts of tokens"),
    "failedRequests": lambda report: _outcomes(report, *_FAILED),
    **{outcome_name(one): partial(_outcome, outcome=one) for one in _FAILED},
    "lostRequests": _lost,
    **dict(_scores()),
    "instabilityReady": partial(_score, supply=SupplyKind.READY, name="instability"),
    "coldStartUnder": _cold_start_under,
    **{f"coldStartP{percent}Milliseconds": partial(_cold_start, percent=percent) for percent in (50, 95)},
    "scaleOutLagMilliseconds": _at("summary", "scaleOutLagMilliseconds", reason="no scale-out whose lag is known"),
    "wakeMilliseconds": _at("summary", "wakeMilliseconds", reason="the run never woke from zero replicas"),
    "scaleOuts": _at("summary", "scaleOutCount"),
    "scaleIns": _at("summary", "scaleInCount"),
    "flaps": _flaps,
    "overshootReplicas": _overshoot,
    "peakReadyReplicas": _at("summary", "peakReadyReplicas"),
    "workingSetPeakBytes": partial(_peak, quantity="workingSet", of=Of.HIGHEST_POD),
    "processMemoryPeakBytes": partial(_peak, quantity="processMemory", of=Of.HIGHEST_POD),
    "waitingPeakRequests": partial(_peak, quantity="waiting", of=Of.ALL_PODS),
}
