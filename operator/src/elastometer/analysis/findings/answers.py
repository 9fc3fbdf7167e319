"""Findings from the answers: some that belong to another request, and checks that fail more often under more load."""
from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.answers import AnswerRow, FailureRate
from elastometer.model.findings import FindingName, Severity
from elastometer.model.report import Finding
from elastometer.model.request import RecordedRequest
from elastometer_loadgen.checks.check import CheckType, Failure

# How many times the requests of the calmest stage the busiest must have in flight to be called busier.
BUSIER = 1.5
EXAMPLES_SHOWN = 5


def answer_findings(evidence: Evidence, answers: Sequence[AnswerRow]) -> Iterator[Finding]:
    """Nothing where no answer was judged."""
    yield from _of_others(evidence)
    yield from _under_load(evidence.requests, answers)


def _of_others(evidence: Evidence) -> Iterator[Finding]:
    """A mark proves whose answer it is; a shape only tells that it is not its own task's."""
    strange = (Failure.FOREIGN_CANARY.value, Failure.OTHER_TASK.value)
    judged = [record for record in evidence.requests if CheckType.CROSSTALK in record.checks]
    hit = [record for record in judged if record.checks[CheckType.CROSSTALK] in strange]
    if not hit:
        return
    classes = Counter(record.checks[CheckType.CROSSTALK] for record in hit)
    proven = classes[Failure.FOREIGN_CANARY.value]
    words = ", ".join(f"{name} {count}" for name, count in classes.most_common())
    first = sorted(hit, key=lambda record: record.checks[CheckType.CROSSTALK] != Failure.FOREIGN_CANARY)
    shown = "; ".join(_told(record, evidence) for record in first[:EXAMPLES_SHOWN])
    yield Finding(
        FindingName.CROSS_TALK, Severity.PROBLEM if proven else Severity.WARNING,
        f"Requests got the answer of another request: {proven}" if proven else
        f"Answers have the shape of another task: {len(hit)}",
        f"{words}, of {len(judged)} answers looked at: {shown}",
        "Find the records by these ids in `requests.jsonl.zst`, and send the same load with one request in flight: "
        "what then goes away is wrong in the server, or in what stands before it, when requests run together.")


def _told(record: RecordedRequest, evidence: Evidence) -> str:
    where = "" if record.pod is None else f" on {record.pod}"
    return f"{record.mark} at {evidence.seconds(record.intended):+.1f} s{where} " \
           f"({record.checks[CheckType.CROSSTALK]})"


def _under_load(records: Sequence[RecordedRequest], answers: Sequence[AnswerRow]) -> Iterator[Finding]:
    """Each task by itself, so that another mix of tasks is not taken for the load."""
    busy, groups = _in_flight(records), defaultdict[tuple[str, str], list[tuple[float, AnswerRow]]](list)
    for row in answers:
        if row.stage is not None and row.task is not None and row.rate is not None and row.stage in busy:
            groups[row.task, row.check].append((busy[row.stage], row))
    worse = [words for (task, check), rows in groups.items() if (words := _worse(task, check, rows)) is not None]
    if worse:
        yield Finding(
            FindingName.ANSWERS_DEGRADE_UNDER_LOAD, Severity.WARNING,
            "Answers fail more often when there is more to do", "; ".join(worse),
            "Send requests that failed again, one at a time: what then passes depends on what else the server has to "
            "do, and the capacity of a replica ends where its answers do.")


def _worse(task: str, check: str, rows: Sequence[tuple[float, AnswerRow]]) -> str | None:
    (calm, calmest), (much, busiest) = (pick(rows, key=lambda one: one[0]) for pick in (min, max))
    if calmest.rate is None or busiest.rate is None or much < BUSIER * calm:
        return None
    if busiest.rate.low_percent <= calmest.rate.high_percent:
        return None
    return f"{check} of task '{task}': {_share(busiest, busiest.rate)}, with {much:.1f} requests in flight on " \
           f"average, and {_share(calmest, calmest.rate)}, with {calm:.1f}"


def _share(row: AnswerRow, rate: FailureRate) -> str:
    return f"{rate.percent:.2f} % in '{row.stage}' ({row.failed} of {row.judged}, 95 % interval " \
           f"{rate.low_percent:.2f} to {rate.high_percent:.2f} %)"


def _in_flight(records: Sequence[RecordedRequest]) -> Mapping[str, float]:
    """Mean number of a stage's requests in flight, from its first intended request to its last end."""
    stages = defaultdict[str, list[tuple[int, int, int]]](list)
    for record in records:
        if record.send is not None and record.end is not None:
            stages[record.stage].append((record.intended, record.send, record.end))
    spans = {name: max(end for *_, end in rows) - min(wanted for wanted, *_ in rows) for name, rows in stages.items()}
    return {name: sum(end - sent for _, sent, end in rows) / spans[name]
            for name, rows in stages.items() if spans[name] > 0}
