"""What a calibration run shows: a knee search on a constant number of Ready replicas gives the capacity of one.

A search over rates measures the highest load within its objectives directly, to a step. A search over users that fills
all slots measures the saturated throughput; how much of that the objectives leave is then a matter of waiting, and
follows from `sustained` for the objectives of whichever run uses the calibration.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from elastometer.analysis.capacity.fit import fit_capacity
from elastometer.analysis.capacity.full_time import LEAST_PERCENT
from elastometer.analysis.capacity.progress import done_between, progress
from elastometer.analysis.capacity.work import Work, saturated_work
from elastometer.analysis.run import DerivedRun
from elastometer.model import request_measures
from elastometer.model.autoscalers import NO_AUTOSCALER
from elastometer.model.calibration import CALIBRATION, Calibration, CalibrationResult, calibration_from, server_settings
from elastometer.model.capacity import Capacity
from elastometer.model.document import document_at, spec_of
from elastometer.model.errors import SpecError
from elastometer.model.knee import Knee, KneeEnding, KneeStep
from elastometer.model.terms import Terms
from elastometer.model.units import SECOND
from elastometer_loadgen.stages.knee import KneeVariable

# Fewer answered requests in a step do not show what it served.
LEAST_SERVED = 10


@dataclass(frozen=True, slots=True)
class _Measured:
    """Requests per second of all replicas together, between `low` and `high`; `rule` says what limits them."""

    low: float
    high: float
    rule: str
    saturated: bool


def calibration_of(run: DerivedRun, found: Sequence[Knee]) -> CalibrationResult | None:
    """The calibration, or why there is none; None for a run that was not made for one: it has no knee search, or an
    autoscaler."""
    if not found or run.evidence.terms.scaler not in (NO_AUTOSCALER, None):
        return None
    try:
        return CalibrationResult(found=_calibration(run, found[-1]))
    except SpecError as error:
        return CalibrationResult(reason=str(error))


def _calibration(run: DerivedRun, knee: Knee) -> Calibration:
    replicas = _constant_replicas(knee)
    capacity, _ = fit_capacity(run)
    served = _weighed(run, knee, capacity)
    measured = _by_rate(knee) if knee.of == KneeVariable.RATE else \
        _by_users(served, knee, capacity.slots * replicas)
    rate = (measured.low + measured.high) / 2 / replicas
    work = saturated_work(capacity).scaled(capacity.slots / (rate * _mean(served, "in_slot")))
    return _document(run.evidence.terms, run, work, rate, measured, capacity, replicas)


def _document(
    terms: Terms, run: DerivedRun, work: Work, rate: float, measured: _Measured, capacity: Capacity, replicas: int,
) -> Calibration:
    return Calibration(
        test=terms.test, uid=terms.uid, server=server_settings(document_at(spec_of(run.evidence.spec), "target")),
        requests_per_second=rate, seconds_per_request=work.per_request,
        seconds_per_prompt_token=work.per_prompt_token, seconds_per_output_token=work.per_output_token,
        error_percent=_error_percent(measured),
        rule=measured.rule, linearity=_linearity(run, rate, replicas), replicas=replicas,
        capacity=capacity if measured.saturated else None,
    )


def _error_percent(measured: _Measured) -> float:
    """Half of what lies between both ends. Two steps that filled all slots can agree by chance, but are no more exact
    than the formula and the fit of a saturated replica are."""
    half = round(100 * (measured.high - measured.low) / (measured.high + measured.low), 2)
    return max(LEAST_PERCENT, half) if measured.saturated else half


def _constant_replicas(knee: Knee) -> int:
    seen = {count for step in knee.steps for count in (step.ready_minimum, step.ready_maximum)}
    if len(seen) != 1 or None in seen or 0 in seen:
        numbers = ", ".join("an unknown number" if one is None else str(one) for one in sorted(seen, key=str))
        raise SpecError("a calibration must have the same number of Ready replicas in every step of its Knee, and had "
                        f"{numbers}")
    return next(count for count in seen if count is not None)


def _by_rate(knee: Knee) -> _Measured:
    """Between the last step that held and the first that did not."""
    if knee.good is None:
        raise SpecError(f"the first step of the Knee '{knee.stage}' must hold, and did not; begin lower, or search "
                        "over users (of: Users), which has no lowest rate")
    failed = knee.steps[-1]
    if knee.ending is not KneeEnding.STEP_FAILED:
        raise SpecError(f"a step of the Knee '{knee.stage}' must fail for its knee to be known, and none did up to "
                        f"{failed.value} requests per second; raise its maximum")
    return _Measured(knee.good, failed.value, (
        f"the knee of the calibration: {knee.good} requests per second held, {failed.value} did not ({failed.failed})"),
        saturated=False)


def _by_users(served: pl.DataFrame, knee: Knee, slots: int) -> _Measured:
    """The throughput of the steps that filled all slots; where no such step held, of the last that did and of the first
    that did not."""
    if knee.good is None:
        raise SpecError(f"the first step of the Knee '{knee.stage}' must hold, and did not; begin with fewer users")
    full = [step for step in knee.steps if step.value >= slots]
    held = [step for step in full if step.failed is None and step.inconclusive is None]
    if held:
        rates = [_throughput(served, step) for step in full]
        return _Measured(min(rates), max(rates), (
            f"the saturated throughput of the calibration: {len(full)} steps of {full[0].value} to {full[-1].value} "
            f"users kept all {slots} slots busy"), saturated=True)
    last = knee.steps[-1]
    if knee.ending is not KneeEnding.STEP_FAILED:
        raise SpecError(f"a step of the Knee '{knee.stage}' must fail or fill all {slots} slots, and none did up to "
                        f"{last.value} users; raise its maximum to {2 * slots}")
    good = next(step for step in knee.steps if step.value == knee.good)
    ends = sorted(_throughput(served, step) for step in (good, last))
    return _Measured(ends[0], ends[1], (
        f"the knee of the calibration: what was served with {knee.good} users, which held, and with {last.value}, "
        f"which did not ({last.failed})"), saturated=False)


def _throughput(served: pl.DataFrame, step: KneeStep) -> float:
    """Requests of the search's mean work per second, by all that was done within the step: which lengths happened to
    end in it makes no difference, nor that the first end an answer later than the users began."""
    start, end = step.start_seconds, step.end_seconds
    count = served.filter((pl.col("last") >= start) & (pl.col("last") < end)).height
    if count < LEAST_SERVED:
        raise SpecError(f"{LEAST_SERVED} requests must be answered in the step of {step.value} of the Knee, and "
                        f"{count} were; make its steps longer (stepSeconds)")
    return done_between(served, start, end) / _mean(served, "in_slot") / (end - start)


def _weighed(run: DerivedRun, knee: Knee, capacity: Capacity) -> pl.DataFrame:
    """The progress of the served requests of the search."""
    found = run.evidence.table.filter(
        (pl.col("stage").cast(pl.String) == knee.stage) & request_measures.served()
        & pl.col("prompt_tokens").is_not_null() & pl.col("completion_tokens").is_not_null())
    if found.is_empty():
        raise SpecError("requests: some must state their tokens (usage), and none does")
    sent, first, last = (
        (pl.coalesce(name, other) - run.evidence.origin) / SECOND
        for name, other in (("send", "intended"), ("first_token", "end"), ("last_token", "end")))
    return progress(found.select(
        sent=sent, first=first, last=last, prompt="prompt_tokens",
        later_tokens=(pl.col("completion_tokens") - 1).clip(lower_bound=0)), capacity)


def _mean(rows: pl.DataFrame, name: str) -> float:
    value = rows[name].mean()
    return float(value) if isinstance(value, (int, float)) else 0.0


def _linearity(run: DerivedRun, rate: float, replicas: int) -> str:
    """What is known of two replicas, in words: by the calibration of one that this run refers to."""
    if replicas == 1:
        return "that further replicas serve as much each is assumed"
    one = calibration_from(document_at(run.bundle.provenance, CALIBRATION))
    if one is None or one.replicas != 1:
        return f"measured with {replicas} replicas together; no calibration of one is recorded to compare them with"
    return (f"each of {replicas} replicas served {100 * rate / one.requests_per_second:.0f} % of what one served alone "
            f"(calibration '{one.test}')")
