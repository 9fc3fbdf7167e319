"""The draws of one simulation, on every core if there is enough to do, and the report of the median draw."""
from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from importlib.metadata import version

from elastometer.analysis.analyze import judge
from elastometer.cli.simulate.text import capacity_in_words, starts_in_words
from elastometer.model.prediction_basis import PredictionBasis
from elastometer.model.report import Report
from elastometer.plan import TestPlan
from elastometer.twin.draws import Drawn, drawn, intervals, median_draw, verdict_counts, with_ranges
from elastometer.twin.engine import predict
from elastometer.twin.forecast.autoscaler import PlannedAutoscaler
from elastometer.twin.forecast.planned import Assumed, assumptions, planned_scenario
from elastometer.twin.forecast.planned_load import PlannedLoad
from elastometer.twin.forecast.predicted_run import PredictedRun
from elastometer.twin.forecast.synthetic import predicted_syncs, synthetic_bundle
from elastometer.twin.search.score.predicted_misses import with_predicted_misses

# Requests over all draws below which further processes cost more than they save.
MIN_REQUESTS_FOR_WORKERS = 50_000
# One input per process: it is too large to send with each seed.
_inputs: list[SimulationInput] = []


@dataclass(frozen=True, slots=True)
class SimulationInput:
    """All that a prediction needs except the seed."""

    plan: TestPlan
    autoscaler: PlannedAutoscaler
    assumed: Assumed
    load: PlannedLoad


def each_draw(simulation: SimulationInput, seeds: Sequence[int]) -> Iterator[Drawn]:
    """The numbers of every draw, in the order of the seeds."""
    is_large = simulation.load.request_count * len(seeds) >= MIN_REQUESTS_FOR_WORKERS
    jobs = min(len(seeds), os.cpu_count() or 1) if is_large else 1
    if jobs == 1:
        yield from (_draw(simulation, seed) for seed in seeds)
        return
    # Not forked: polars has threads, and their locks would stay locked in the child.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(simulation,)) as pool:
        yield from pool.map(_draw_in_child, seeds)


def _begin(simulation: SimulationInput) -> None:
    _inputs.append(simulation)


def _draw_in_child(seed: int) -> Drawn:
    return _draw(_inputs[0], seed)


def _predict(simulation: SimulationInput, seed: int) -> PredictedRun:
    assumed = simulation.assumed
    scenario = planned_scenario(simulation.plan, simulation.autoscaler, assumed, simulation.load, seed=seed)
    basis = PredictionBasis(
        tool=f"elastometer {version('elastometer')}", autoscaler=simulation.autoscaler.words, seed=seed,
        capacity=f"{assumed.capacity_source}: {capacity_in_words(assumed.capacity)}",
        cold_starts=f"{assumed.cold_start_source}: {starts_in_words(assumed.cold_starts)}",
        assumptions=assumptions(simulation.plan, simulation.autoscaler, assumed),
    )
    return PredictedRun(simulation.plan, scenario, predict(scenario), basis, simulation.autoscaler.document)


def _draw(simulation: SimulationInput, seed: int) -> Drawn:
    """Only the numbers. The autoscaler's account is left out, since it is the most expensive part of a report."""
    return drawn(seed, judge(synthetic_bundle(replace(_predict(simulation, seed), autoscaler=None))))


def report_of(simulation: SimulationInput, draws: list[Drawn]) -> Report:
    """The report of the median draw, with the verdicts and ranges of all draws."""
    predicted = _predict(simulation, median_draw(draws).seed)
    counts = {verdict.value: number for verdict, number in verdict_counts(draws)}
    basis = replace(predicted.basis, draws=len(draws), verdicts=counts, intervals=intervals(draws))
    predicted = replace(predicted, basis=basis)
    bundle = synthetic_bundle(predicted)
    report = with_ranges(judge(bundle, predicted_syncs(predicted)), draws)
    return report if report.price is None else replace(
        report, price=with_predicted_misses(report.price, predicted.scenario, bundle.terms))
