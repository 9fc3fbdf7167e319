"""The best source of the capacity of one replica: what the test states, a calibration, or this run's own requests."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from elastometer.analysis.capacity.fit import fit_capacity, fit_served
from elastometer.analysis.capacity.full_time import LEAST_PERCENT, correction
from elastometer.analysis.capacity.sustained import Lengths, Sustained, sustained
from elastometer.analysis.capacity.work import Work, saturated_work
from elastometer.analysis.demand.arrivals import Arrivals
from elastometer.analysis.run import DerivedRun
from elastometer.model.calibration import CALIBRATION, Calibration, calibration_from, other_settings
from elastometer.model.capacity import Capacity, Fitted
from elastometer.model.demand_terms import DemandTerms
from elastometer.model.document import document_at, spec_of
from elastometer.model.elasticity import DemandSource
from elastometer.model.errors import SpecError
from elastometer.model.terms import Objective

# Lengths of this many requests, evenly spaced in the order of arrival, stand for all: the percentiles of waiting depend
# on their spread alone.
LENGTHS = 500


@dataclass(frozen=True, slots=True)
class Found:
    """The work of a request and where it was found. `error_percent` is that of the capacity; None if nothing states it.
    `basis`, `rule` and `error_source` are words for the report.

    Where the work is that of a saturated replica, `limits` has the share of it that the objectives leave, by stage;
    None stands for a time in no stage.
    """

    source: DemandSource
    work: Work
    basis: str
    rule: str
    error_percent: float | None
    error_source: str
    limits: Mapping[str | None, Sustained] = field(default_factory=dict)
    fitted: tuple[Fitted, ...] = ()


def find_source(run: DerivedRun, terms: DemandTerms, came: Arrivals) -> Found:
    """The best source that there is. Raises SpecError with the reason why there is none."""
    find = _given if terms.is_given else _calibrated if terms.calibration is not None else _fitted
    found = find(run, terms, came)
    if found.work.seconds(came.mean("prompt") or 0.0, came.mean("output") or 0.0) <= 0:
        raise SpecError(f"{found.basis}: a request of the run's mean length must take some of a replica's time, and by "
                        "this it takes none")
    return found


def _given(run: DerivedRun, terms: DemandTerms, came: Arrivals) -> Found:
    stated = "none is stated: spec.demand.errorPercent" if terms.error_percent is None else "spec.demand.errorPercent"
    if terms.requests_per_second is not None:
        work, weights = _weighted(run, came, 1 / terms.requests_per_second)
        return Found(DemandSource.GIVEN, work, "spec.demand.requestsPerSecond", f"as stated; {weights}",
                     terms.error_percent, stated)
    if not came.has_tokens:
        raise SpecError("spec.demand.tokensPerSecond: some requests of the run must state their tokens (usage), and "
                        "none does; state requestsPerSecond instead")
    prompt, output = terms.prompt_tokens_per_second, terms.output_tokens_per_second
    work = Work(0.0, 0.0 if prompt is None else 1 / prompt, 0.0 if output is None else 1 / output)
    rates = " and ".join(f"{rate:g} {name} tokens" for rate, name in ((prompt, "prompt"), (output, "output")) if rate)
    return Found(DemandSource.GIVEN, work, "spec.demand.tokensPerSecond",
                 f"as stated: a replica serves {rates} per second, each if it served nothing else",
                 terms.error_percent, stated)


def _weighted(run: DerivedRun, came: Arrivals, mean_seconds: float) -> tuple[Work, str]:
    """The work of a request whose mean over the run is known: tokens weigh as the run's own requests show it."""
    alike = Work(mean_seconds, 0.0, 0.0)
    prompt, output = came.mean("prompt"), came.mean("output")
    if prompt is None or output is None:
        return alike, "each request counts the same, since none states its tokens"
    try:
        capacity, _ = fit_capacity(run)
    except SpecError as error:
        return alike, f"each request counts the same, since the weight of its tokens is not known ({error})"
    work = saturated_work(capacity)
    scaled = work.scaled(mean_seconds / work.seconds(prompt, output))
    return scaled, "that is for requests of mean length; others count by their tokens, as the run's own requests show"


def _calibrated(run: DerivedRun, terms: DemandTerms, came: Arrivals) -> Found:
    calibration = calibration_from(document_at(run.bundle.provenance, CALIBRATION))
    if calibration is None:
        raise SpecError(f"spec.demand.calibrationRef: the calibration '{terms.calibration}' must be recorded in "
                        f"provenance.json ({CALIBRATION}), and is not")
    if flaws := list(other_settings(calibration, document_at(spec_of(run.evidence.spec), "target"))):
        raise SpecError(*flaws)
    if calibration.weighs_tokens and not came.has_tokens:
        raise SpecError("spec.demand.calibrationRef: some requests of the run must state their tokens (usage), by "
                        "which the calibration counts them, and none does")
    limits, rule = {}, calibration.rule
    if calibration.capacity is not None and came.has_tokens:
        limits = _limits(run, calibration.capacity, lengths_of(came))
        rule = f"{rule_words(_strictest(limits))}; {rule}"
    is_own = terms.error_percent is None
    least = "" if calibration.capacity is None else f", at least {LEAST_PERCENT:g} %"
    return Found(
        DemandSource.CALIBRATED, _work_of(calibration), f"the calibration run '{calibration.test}'",
        f"{rule}; {calibration.linearity}", calibration.error_percent if is_own else terms.error_percent,
        f"half of what lies between the steps of the calibration{least}" if is_own else "spec.demand.errorPercent",
        limits)


def _work_of(calibration: Calibration) -> Work:
    return Work(calibration.seconds_per_request, calibration.seconds_per_prompt_token,
                calibration.seconds_per_output_token)


def _fitted(run: DerivedRun, _: DemandTerms, came: Arrivals) -> Found:
    capacity, parameters, rows = fit_served(run)
    if not came.has_tokens:
        raise SpecError("requests: some must state their tokens (usage), and none does")
    limits = _limits(run, capacity, lengths_of(came))
    basis, rule = "this run's own requests, by the time to their tokens", rule_words(_strictest(limits))
    seen = correction(rows, capacity)
    if seen is None:
        errors = [one.error_percent for one in parameters if one.error_percent is not None]
        return Found(
            DemandSource.FITTED, saturated_work(capacity), basis, rule, max(errors, default=None),
            "the median deviation of requests from the fit; no replica was full for long", limits, tuple(parameters))
    full = Fitted("time in a slot of a full replica", seen.factor, "of the fit's",
                  f"all that was served in {seen.seconds:.0f} s in which requests waited for a slot", None, seen.count)
    return Found(
        DemandSource.FITTED, saturated_work(capacity).scaled(seen.factor), basis, rule, seen.error_percent,
        f"by {seen.count} requests of full replicas", limits, (*parameters, full))


def _strictest(limits: Mapping[str | None, Sustained]) -> Sustained:
    return min(limits.values(), key=lambda limit: limit.share)


def _limits(run: DerivedRun, capacity: Capacity, lengths: list[Lengths]) -> dict[str | None, Sustained]:
    """The share of the saturated throughput that the objectives of each stage leave. Raises SpecError for an objective
    that no number of replicas could meet."""
    evidence = run.evidence
    found = {
        stage: sustained(capacity, lengths, [one for one in evidence.terms.objectives if one.stage in (None, stage)])
        for stage in (None, *(window.name for window in evidence.stages))
    }
    for limit in found.values():
        if limit.share <= 0 and limit.objective is not None:
            raise SpecError(f"objectives.{limit.objective.name}: must be within reach of a request that a replica "
                            "serves alone, but by the fit it is not, so no number of replicas would meet it")
    return found


def lengths_of(came: Arrivals) -> list[Lengths]:
    """The tokens of a sample of the requests, evenly spaced in the order of arrival."""
    every = max(1, came.count // LENGTHS)
    return [(float(prompt), float(output)) for prompt, output
            in came.rows.gather_every(every).select("prompt", "output").iter_rows()]


def rule_words(limit: Sustained) -> str:
    """What limits the load of one replica, in words."""
    if limit.objective is None:
        return "the saturated throughput: no latency objective limits it further"
    return f"{100 * limit.share:.0f} % of the saturated throughput, the highest at which {_bound(limit.objective)}"


def _bound(objective: Objective) -> str:
    what = f"{objective.indicator.value} {objective.statistic.named(objective.percentile)}"
    whose = "" if objective.task is None else " for the requests of all tasks"
    return f"'{objective.name}' holds ({what} within {objective.maximum_milliseconds} ms{whose})"

