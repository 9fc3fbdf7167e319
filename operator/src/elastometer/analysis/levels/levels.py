"""The rows of the levels: requests, latencies, rates, losses, and what the servers used, each without its warm-up."""
from __future__ import annotations

from dataclasses import replace

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.levels.held import level_objectives
from elastometer.analysis.levels.rates import LevelRates, level_rates
from elastometer.analysis.levels.spans import LevelSpan, level_spans
from elastometer.analysis.requests.knees import within
from elastometer.analysis.requests.latency import of_stage, quantiles
from elastometer.analysis.requests.littles_law import LEAST_IN_FLIGHT, Window, compared, scraped_in_flight
from elastometer.analysis.resources_used.levels import level_resources
from elastometer.analysis.resources_used.measurements import Measurements
from elastometer.analysis.run import DerivedRun
from elastometer.model import request_measures
from elastometer.model.levels import LevelDifference, LevelMemory, LevelObjective, LevelRow, LostCount
from elastometer.model.load_rows import LittlesLaw
from elastometer.model.resources_used import LevelResources, ResourceWindow, WindowKind
from elastometer.model.terms import Objective
from elastometer.model.units import MILLISECOND, SECOND
from elastometer.model.verdict import Verdict
from elastometer.statistics.differences import difference_of_means
from elastometer.statistics.rates import rate

# Beyond this, the rate, the mean and the number in flight of a row are not those of one steady load.
DOUBTFUL_PERCENT = 5.0


def level_rows(run: DerivedRun, measured: Measurements) -> tuple[LevelRow, ...]:
    """In order of time; none where no stage is a closed loop and none a Knee."""
    spans = level_spans(run.evidence)
    used = level_resources(measured, [_window(span) for span in spans]) if spans else ()
    due = [_due(span, run.evidence) for span in spans]
    rows = [_row(span, mine, found, run) for span, mine, found in zip(spans, due, used, strict=True)]
    base = next((number for number, span in enumerate(spans) if span.is_baseline), None)
    if base is None:
        return tuple(rows)
    return tuple(row if number == base else replace(row, to_baseline=_difference(due[base], due[number]))
                 for number, row in enumerate(rows))


def _window(span: LevelSpan) -> ResourceWindow:
    return ResourceWindow(span.stage, WindowKind.STAGE, span.start_seconds, span.end_seconds)


def _instants(span: LevelSpan, evidence: Evidence) -> Window:
    return (evidence.origin + round(span.start_seconds * SECOND), evidence.origin + round(span.end_seconds * SECOND))


def _due(span: LevelSpan, evidence: Evidence) -> pl.DataFrame:
    """The requests of the stage that were due within the level. A whole stage has all of its requests: the first is
    due a few microseconds before the instant that is recorded as its start."""
    mine = of_stage(evidence.table, span.stage)
    if span.step is None and not span.is_soak and span.warmup_seconds == 0:
        return mine
    return mine.filter(pl.col("intended").is_between(*_instants(span, evidence), closed="left"))


def _row(span: LevelSpan, due: pl.DataFrame, used: LevelResources, run: DerivedRun) -> LevelRow:
    evidence, window = run.evidence, _instants(span, run.evidence)
    rates = level_rates(of_stage(evidence.table, span.stage), window)
    law = _in_flight(due, rates, window, evidence)
    judged = level_objectives(_objectives(span, evidence), span.stage, due)
    times = due.select(whole=request_measures.latency(), first=request_measures.time_to_first_token())
    served = int(due.select(request_measures.served().sum()).item())
    replicas = list(within(run.replicas.ready, span.start_seconds, span.end_seconds))
    return LevelRow(
        stage=span.stage, of=span.of, level=span.level, start_seconds=round(span.start_seconds, 3),
        end_seconds=round(span.end_seconds, 3), warmup_seconds=span.warmup_seconds, tasks=span.tasks,
        requests=due.height,
        requests_per_second=None if rates is None else rates.served,
        requests_per_second_plus_minus=None if rates is None else rates.served_plus_minus,
        input_tokens_per_second=None if rates is None else rates.input_tokens,
        output_tokens_per_second=None if rates is None else rates.output_tokens,
        latency=quantiles(times["whole"]), time_to_first_token=quantiles(times["first"]),
        errors=rate(due.height - served, due.height) if due.height else None, lost=lost_counts(due),
        in_flight=law, is_doubtful=law is not None and abs(law.expected_percent or 0.0) > DOUBTFUL_PERCENT,
        memory=LevelMemory(used.memory_bytes, used.memory_peak_bytes, used.memory_of), cpu_cores=used.cpu_cores,
        kv_cache_percent=used.kv_cache_percent, waiting=used.waiting, preemptions=used.preemptions,
        gpu_memory_bytes=used.gpu_memory_bytes, ready_minimum=min(replicas, default=None),
        ready_maximum=max(replicas, default=None), verdict=_verdict(span, judged), objectives=judged,
        failed=None if span.step is None else span.step.failed,
        inconclusive=None if span.step is None else span.step.inconclusive,
        is_step=span.step is not None, is_soak=span.is_soak, is_baseline=span.is_baseline, missing=dict(used.missing),
        others_in_flight=_others(span.stage, window, evidence),
    )


def _objectives(span: LevelSpan, evidence: Evidence) -> tuple[Objective, ...]:
    """At a step of a Knee, its own objectives decide, which the load generator judged; those of its stage are on the
    search as a whole, in which the last step always fails."""
    return tuple(one for one in evidence.terms.objectives if span.step is None or one.stage is None)


def lost_counts(requests: pl.DataFrame) -> tuple[LostCount, ...]:
    """Those that were not served, the most frequent first."""
    found = requests.filter(~request_measures.served()).group_by("outcome", "status").len().with_columns(
        pl.col("outcome").cast(pl.String)).sort("len", "outcome", "status", descending=[True, False, False])
    return tuple(LostCount(outcome, status, count) for outcome, status, count in found.iter_rows())


def _in_flight(
    due: pl.DataFrame, rates: LevelRates | None, window: Window, evidence: Evidence,
) -> LittlesLaw | None:
    """Expected from the rate and the mean time from send to end, which are found apart from each other."""
    if rates is None or due.is_empty():
        return None
    mean = due.select((pl.col("end") - pl.col("send")).mean()).item()
    expected = None if mean is None else round(rates.every * mean / SECOND, 3)
    return compared(expected, evidence.table, window, scraped_in_flight(evidence, window))


def _others(stage: str, window: Window, evidence: Evidence) -> dict[str, float]:
    """Stages whose requests were in flight beside the level's, at least LEAST_IN_FLIGHT of them on average."""
    start, end = (pl.col(name).clip(*window) for name in ("send", "end"))
    beside = evidence.table.filter(pl.col("send") < window[1], pl.col("end") > window[0]).filter(
        pl.col("stage").cast(pl.String) != stage)
    found = beside.group_by(pl.col("stage").cast(pl.String), maintain_order=True).agg((end - start).sum().alias("area"))
    means = {name: round(area / (window[1] - window[0]), 2) for name, area in found.iter_rows()}
    return {name: mean for name, mean in means.items() if mean >= LEAST_IN_FLIGHT}


def _verdict(span: LevelSpan, judged: tuple[LevelObjective, ...]) -> Verdict:
    verdicts = {one.result.verdict for one in judged}
    if span.step is not None:
        verdicts.add(Verdict.FAIL if span.step.failed is not None else
                     Verdict.INCONCLUSIVE if span.step.inconclusive is not None else Verdict.PASS)
    found = (one for one in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS) if one in verdicts)
    return next(found, Verdict.NOT_JUDGED)


def _difference(base: pl.DataFrame, mine: pl.DataFrame) -> LevelDifference | None:
    """Of mean latencies; None where one of the two served nothing."""
    before, after = (table.select(request_measures.latency().alias("value"))["value"].drop_nulls() / MILLISECOND
                     for table in (base, mine))
    if before.is_empty() or after.is_empty():
        return None
    found, mean = difference_of_means(before.to_list(), after.to_list()), float(before.sum()) / len(before)
    return LevelDifference(found, round(100 * found.value / mean, 1) if mean > 0 else None)
