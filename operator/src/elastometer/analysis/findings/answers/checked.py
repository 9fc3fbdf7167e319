"""Findings from the answers: those of another request or task, and checks that fail more often under load."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.requests.answers import answers_to
from elastometer.model.answers import AnswerRow, FailureRate
from elastometer.model.findings import FindingName, Severity
from elastometer.model.in_words import plural, share_interval
from elastometer.model.report import Finding
from elastometer.model.request import RecordedRequest
from elastometer.model.request_table import table_of
from elastometer.statistics.rates import rate
from elastometer_loadgen.checks.check import CheckType, Failure

# The busiest stage must have this many times the requests in flight of the calmest one; below, they are alike.
BUSIER = 1.5
EXAMPLES_SHOWN = 5


def answer_findings(evidence: Evidence, answers: Sequence[AnswerRow]) -> Iterator[Finding]:
    """No findings if no answer was judged."""
    judged = answers_to(evidence.table, CheckType.CROSSTALK)
    yield from _crosstalk(evidence, judged)
    yield from _tasks_mixed_up(evidence, judged)
    yield from _under_load(evidence.requests, answers)


def _crosstalk(evidence: Evidence, judged: pl.DataFrame) -> Iterator[Finding]:
    """A mark proves whose answer it is."""
    hit = judged.filter(pl.col("failure") == Failure.FOREIGN_CANARY.value)
    if hit.is_empty():
        return
    yield Finding(
        FindingName.CROSS_TALK, Severity.PROBLEM, f"Requests that got the answer to another request: {len(hit)}",
        f"{_of(hit, judged)} carried the mark of another request: {_examples(hit, evidence)}",
        "A user may have received another user's data. Find the records by these ids in `requests.parquet`, and "
        "send the same load with one request in flight. If it no longer happens, concurrent requests are mixed up, "
        "in the server or in a proxy in front of it.")


def _tasks_mixed_up(evidence: Evidence, judged: pl.DataFrame) -> Iterator[Finding]:
    """A form only shows that the answer is not one of its own task."""
    hit = judged.filter(pl.col("failure") == Failure.OTHER_TASK.value)
    if hit.is_empty():
        return
    counts = hit.group_by("stage", "task", maintain_order=True).len().join(
        judged.group_by("stage", "task").len("of"), on=["stage", "task"]).iter_rows()
    where = ", ".join(f"{count} of {of} to task '{task}' in '{stage}'" for stage, task, count, of in counts)
    yield Finding(
        FindingName.TASKS_MIXED_UP, Severity.WARNING, f"Answers that look like another task's: {len(hit)}",
        f"{_of(hit, judged)} had the form of another task's answer ({where}): {_examples(hit, evidence)}",
        "A form does not prove that requests were mixed up: a model may answer that way by itself. Send the same load "
        "with one request in flight: if as many answers look so, it is the model or the prompt. Put the mark, "
        "`{{ canary }}`, into the prompts and ask for it back: an answer with another request's mark is proof.")


def _of(hit: pl.DataFrame, judged: pl.DataFrame) -> str:
    found = rate(len(hit), len(judged))
    return f"{found.hits:,} of the {plural(found.count, 'answer')} that can be attributed ({share_interval(found)})"


def _examples(hit: pl.DataFrame, evidence: Evidence) -> str:
    return "; ".join(_example(evidence.requests[row], evidence) for row in hit["row"].head(EXAMPLES_SHOWN))


def _example(record: RecordedRequest, evidence: Evidence) -> str:
    where = "" if record.pod is None else f" on {record.pod}"
    return f"{record.mark} at {evidence.seconds(record.intended):+.1f} s{where}"


def _under_load(records: Sequence[RecordedRequest], answers: Sequence[AnswerRow]) -> Iterator[Finding]:
    """Each task separately, so that a different mix of tasks is not mistaken for an effect of the load."""
    busy, groups = _in_flight(table_of(records)), defaultdict[tuple[str, str], list[tuple[float, AnswerRow]]](list)
    for row in answers:
        if row.stage is not None and row.task is not None and row.rate is not None and row.stage in busy:
            groups[row.task, row.check].append((busy[row.stage], row))
    worse = [words for (task, check), rows in groups.items() if (words := _worse(task, check, rows)) is not None]
    if worse:
        yield Finding(
            FindingName.ANSWERS_DEGRADE_UNDER_LOAD, Severity.WARNING,
            "Answers fail more often under load", "; ".join(worse),
            "Latency does not show this. Send the failed requests again, one at a time: if they pass, the failures "
            "depend on the load. A replica's capacity then ends at the load at which its answers become wrong.")


def _worse(task: str, check: str, rows: Sequence[tuple[float, AnswerRow]]) -> str | None:
    (calm, calmest), (much, busiest) = (pick(rows, key=lambda one: one[0]) for pick in (min, max))
    if calmest.rate is None or busiest.rate is None or much < BUSIER * calm:
        return None
    if busiest.rate.low_percent <= calmest.rate.high_percent:
        return None
    return f"{check} of task '{task}': {_share(busiest, busiest.rate)}, with {much:.1f} requests in flight on " \
           f"average, against {_share(calmest, calmest.rate)}, with {calm:.1f}"


def _share(row: AnswerRow, rate: FailureRate) -> str:
    return f"{rate.percent:.2f} % in '{row.stage}' ({row.failed} of {row.judged}, 95 % interval " \
           f"{rate.low_percent:.2f} to {rate.high_percent:.2f} %)"


def _in_flight(table: pl.DataFrame) -> Mapping[str, float]:
    """Mean number of a stage's requests in flight, from its first intended request to its last end."""
    stages = table.lazy().drop_nulls(["send", "end"]).group_by("stage").agg(
        (pl.col("end") - pl.col("send")).sum().alias("busy"),
        (pl.col("end").max() - pl.col("intended").min()).alias("span"))
    return {name: busy / span for name, busy, span in stages.collect().iter_rows() if span > 0}
