"""Findings from the answers: answers that belong to another request, and checks that fail more often under load."""
from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.requests.answers import answers_to
from elastometer.model.answers import AnswerRow, FailureRate
from elastometer.model.findings import FindingName, Severity
from elastometer.model.in_words import plural
from elastometer.model.report import Finding
from elastometer.model.request import RecordedRequest
from elastometer.model.request_table import table_of
from elastometer_loadgen.checks.check import CheckType, Failure

# The busiest stage must have this many times the requests in flight of the calmest one; below, they are alike.
BUSIER = 1.5
EXAMPLES_SHOWN = 5


def answer_findings(evidence: Evidence, answers: Sequence[AnswerRow]) -> Iterator[Finding]:
    """No findings if no answer was judged."""
    yield from _crosstalk(evidence)
    yield from _under_load(evidence.requests, answers)


def _crosstalk(evidence: Evidence) -> Iterator[Finding]:
    """A mark proves whose answer it is; a form only shows that the answer is not one of its own task."""
    strange = (Failure.FOREIGN_CANARY.value, Failure.OTHER_TASK.value)
    judged = answers_to(evidence.table, CheckType.CROSSTALK)
    hit = judged.filter(pl.col("failure").is_in(strange))
    if hit.is_empty():
        return
    classes = Counter(hit["failure"])
    proven = classes[Failure.FOREIGN_CANARY.value]
    words = ", ".join(f"{name} {count}" for name, count in classes.most_common())
    first = hit.sort(pl.col("failure") != Failure.FOREIGN_CANARY.value, maintain_order=True).head(EXAMPLES_SHOWN)
    shown = "; ".join(_example(evidence.requests[row], evidence) for row in first["row"])
    yield Finding(
        FindingName.CROSS_TALK, Severity.PROBLEM if proven else Severity.WARNING,
        f"Requests that got the answer to another request: {proven}" if proven else
        f"Answers that have the form of another task's answer: {len(hit)}",
        f"{words}, of {plural(len(judged), 'answer')} checked: {shown}",
        "A user may have received another user's data. Find the records by these ids in `requests.parquet`, and "
        "send the same load with one request in flight. If it no longer happens, concurrent requests are mixed up, "
        "in the server or in a proxy in front of it.")


def _example(record: RecordedRequest, evidence: Evidence) -> str:
    where = "" if record.pod is None else f" on {record.pod}"
    return f"{record.mark} at {evidence.seconds(record.intended):+.1f} s{where} " \
           f"({record.checks[CheckType.CROSSTALK]})"


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
