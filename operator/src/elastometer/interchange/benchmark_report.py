"""A run as benchmark reports of llm-d, version 0.2: one for each stage, as that format has it.

The format is that of the package llmd-benchmark-report, in the fields that its version 0.2 knew. All reports of one run
have the test's uid as `eid`. Times to first token and latencies count from the intended time, in seconds.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from elastometer.analysis.run import DerivedRun
from elastometer.interchange.figures import digest, single, statistics, without_nothing
from elastometer.interchange.observed import observability
from elastometer.interchange.stack import load_part, stack_part
from elastometer.model.report import Report
from elastometer.model.request_measures import latency, time_per_output_token, time_to_first_token
from elastometer.model.terms import StageWindow
from elastometer.model.units import SECOND, format_instant
from elastometer_loadgen.base.record import Outcome

Json = dict[str, Any]
VERSION = "0.2"
_PER_NANOSECOND = 1 / SECOND


class NoStageError(Exception):
    """There is nothing to report on: no stage with requests was recorded."""


def benchmark_reports(run: DerivedRun, report: Report) -> dict[str, Json]:
    """File names with their documents, in the order of the stages; a stage without requests has none. Raises
    NoStageError."""
    found = dict(_reports(run, report))
    if not found:
        raise NoStageError("requests: at least one stage must have request records for a benchmark report; none has")
    return found


def _reports(run: DerivedRun, report: Report) -> Iterator[tuple[str, Json]]:
    for number, stage in enumerate(run.evidence.stages):
        requests = run.evidence.table.filter(pl.col("stage") == stage.name)
        if requests.height:
            yield f"benchmark_report_v0.2_stage_{number}.yaml", _one(run, report, number, stage, requests)


def _one(run: DerivedRun, report: Report, number: int, stage: StageWindow, requests: pl.DataFrame) -> Json:
    """The report on one stage. Its window lasts from its first intended request to the end of its last one."""
    first, last = _window(requests)
    origin = run.evidence.origin
    seconds = ((first - origin) / SECOND, (last - origin) / SECOND)
    return {
        "version": VERSION,
        "run": {
            "uid": digest({"run": report.uid or [report.namespace, report.test], "stage": number}),
            "eid": report.uid or f"{report.namespace}/{report.test}",
            "time": {"start": format_instant(first), "end": format_instant(last),
                     "duration": f"PT{(last - first) / SECOND:.3f}S"},
            "description": f"{report.namespace}/{report.test}, stage {stage.name}, measured by elastometer; "
                           f"the verdict on the whole run is {report.verdict.value}",
            "keywords": ["elastometer", "autoscaling"],
        },
        "scenario": without_nothing({
            "stack": stack_part(run, report, seconds),
            "load": load_part(run, number, stage, requests),
        }),
        "results": {
            "request_performance": {"aggregate": _performance(requests, (last - first) / SECOND)},
            "observability": observability(run, report, seconds, is_first=number == 0),
        },
    }


def _window(requests: pl.DataFrame) -> tuple[int, int]:
    first, last = requests.select(
        pl.col("intended").min().alias("first"), pl.max_horizontal("intended", "end").max().alias("last")).row(0)
    return int(first), int(last)


def _performance(requests: pl.DataFrame, length: float) -> Json:
    good = requests.filter(pl.col("outcome") == Outcome.SUCCESS.value)
    return {
        "requests": without_nothing({
            "total": requests.height, "failures": requests.height - good.height,
            "input_length": statistics(requests["prompt_tokens"], "count"),
            "output_length": statistics(good["completion_tokens"], "count"),
        }),
        "latency": without_nothing(_latency(requests)),
        "throughput": without_nothing(_throughput(good, length)),
    }


def _latency(requests: pl.DataFrame) -> Mapping[str, Json | None]:
    """Between the tokens of one answer nothing is recorded but the first and the last, so there is no inter-token
    latency."""
    whole, tokens = latency(), pl.col("completion_tokens")
    found = requests.select(
        first=time_to_first_token(), pace=time_per_output_token(), whole=whole,
        normalized=pl.when(tokens > 0).then(whole / tokens))
    return {
        "time_to_first_token": statistics(found["first"], "s", _PER_NANOSECOND),
        "time_per_output_token": statistics(found["pace"], "s/token", _PER_NANOSECOND),
        "normalized_time_per_output_token": statistics(found["normalized"], "s/token", _PER_NANOSECOND),
        "request_latency": statistics(found["whole"], "s", _PER_NANOSECOND),
    }


def _throughput(good: pl.DataFrame, length: float) -> Mapping[str, Json | None]:
    """Of the requests that succeeded; a token rate only where every one of them reports its tokens, or it would be a
    lower bound that looks like a value."""
    if length <= 0:
        return {}
    prompt, output = _total(good["prompt_tokens"]), _total(good["completion_tokens"])
    both = None if prompt is None or output is None else prompt + output
    rates = {"input_token_rate": prompt, "output_token_rate": output, "total_token_rate": both}
    return {"request_rate": single(good.height / length, "queries/s"),
            **{name: single(None if total is None else total / length, "tokens/s") for name, total in rates.items()}}


def _total(tokens: pl.Series) -> int | None:
    return None if not len(tokens) or tokens.null_count() else int(tokens.sum())
