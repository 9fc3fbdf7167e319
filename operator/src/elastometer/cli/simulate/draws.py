"""The draws of one simulation, on every core where there is much to do, and the report of the median one."""
from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from importlib.metadata import version

from elastometer.analysis.analyze import judge
from elastometer.cli.simulate.text import capacity_in_words, starts_in_words
from elastometer.model.basis import PredictionBasis
from elastometer.model.report import Report
from elastometer.plan import TestPlan
from elastometer.twin.draws import Drawn, drawn, intervals, median_draw, verdict_counts
from elastometer.twin.engine import predict
from elastometer.twin.forecast.autoscaler import PlannedAutoscaler
from elastometer.twin.forecast.planned import Assumed, assumptions, planned_scenario
from elastometer.twin.forecast.predicted_run import Foretold
from elastometer.twin.forecast.synthetic import predicted_looks, synthetic_bundle
from elastometer.twin.scenario import Arrival

# Requests over all draws below which further processes cost more than they save.
WORTH_WORKERS = 50_000
_mine: list[Question] = []


@dataclass(frozen=True, slots=True)
class Question:
    """Everything but the seed."""

    plan: TestPlan
    autoscaler: PlannedAutoscaler
    assumed: Assumed
    arrivals: tuple[Arrival, ...]


def each_draw(question: Question, seeds: Sequence[int]) -> Iterator[Drawn]:
    """The numbers of every draw, in the order of the seeds."""
    jobs = min(len(seeds), os.cpu_count() or 1) if len(question.arrivals) * len(seeds) >= WORTH_WORKERS else 1
    if jobs == 1:
        yield from (_drawn(question, seed) for seed in seeds)
        return
    # fork: the question, with all its arrivals, is there at once; nothing else runs in this process.
    context = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else None)
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_mine.append, initargs=(question,)) as pool:
        yield from pool.map(_drawn_here, seeds)


def _drawn_here(seed: int) -> Drawn:
    return _drawn(_mine[0], seed)


def _foretold(question: Question, seed: int) -> Foretold:
    assumed = question.assumed
    scenario = planned_scenario(question.plan, question.autoscaler, assumed, question.arrivals, seed)
    basis = PredictionBasis(
        tool=f"elastometer {version('elastometer')}", autoscaler=question.autoscaler.words, seed=seed,
        capacity=f"{assumed.capacity_source}: {capacity_in_words(assumed.capacity)}",
        cold_starts=f"{assumed.cold_start_source}: {starts_in_words(assumed.cold_starts)}",
        assumptions=assumptions(question.plan, assumed),
    )
    return Foretold(question.plan, scenario, predict(scenario), basis, question.autoscaler.document)


def _drawn(question: Question, seed: int) -> Drawn:
    """Only the numbers; the autoscaler's account is the dearest part of a report, and left out."""
    return drawn(seed, judge(synthetic_bundle(replace(_foretold(question, seed), autoscaler=None))))


def report_of(question: Question, draws: list[Drawn]) -> Report:
    """The report of the median draw, with what all of them came to."""
    foretold = _foretold(question, median_draw(draws).seed)
    counts = {verdict.value: number for verdict, number in verdict_counts(draws)}
    basis = replace(foretold.basis, draws=len(draws), verdicts=counts, intervals=intervals(draws))
    foretold = replace(foretold, basis=basis)
    return judge(synthetic_bundle(foretold), predicted_looks(foretold))
