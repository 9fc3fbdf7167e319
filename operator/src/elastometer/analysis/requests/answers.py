"""What was wrong with the answers, by stage, task and check, counted from the request records.

The load generator judged each answer when it came and counts with the same tally; nothing is judged again here. An
answer that a check could not judge is in no rate, and a check that judged no answers has no rate at all.
"""
from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.answers import AnswerRow, FailedAnswer, FailureRate
from elastometer.model.request import RecordedRequest
from elastometer.model.terms import Terms
from elastometer.statistics.rates import rate
from elastometer_loadgen.checks.rate import CheckTally

# Failures contain names of fields, which come from schemas and, within limits, from models: there may be very many.
FAILURES_SHOWN = 6
EXAMPLES_SHOWN = 3
Key: TypeAlias = tuple[str, str, str]


@dataclass(slots=True)
class _Part:
    """What is known about one stage, task and check, or about several together."""

    requests: int = 0
    judged: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    failed: list[RecordedRequest] = field(default_factory=list)


def failure_rate(failed: int, judged: int) -> FailureRate:
    """In percent; `judged` must be at least 1."""
    found = rate(failed, judged)
    return FailureRate(found.percent, found.interval.low, found.interval.high)


def answer_rows(evidence: Evidence) -> tuple[AnswerRow, ...]:
    """A row per stage, task and check that had requests, then a total per check; no rows where there are no checks."""
    parts = _parts(evidence)
    checks = dict.fromkeys([*(check for _, check in evidence.terms.checks), *(check for _, _, check in parts)])
    rows = (_row(stage, task, check, part, evidence) for (stage, task, check), part in parts.items())
    totals = (
        _row(None, None, check, _total([part for key, part in parts.items() if key[2] == check]), evidence)
        for check in checks
    )
    return (*rows, *totals)


def _parts(evidence: Evidence) -> dict[Key, _Part]:
    """In order of the stages and tasks as their first requests came, then of the checks as the test lists them."""
    tally, sent, failed = CheckTally(), Counter[tuple[str, str]](), defaultdict[Key, list[RecordedRequest]](list)
    for record in evidence.requests:
        sent[record.stage, record.task] += 1
        tally.add(record.stage, record.task, record.checks)
        for check, failure in record.checks.items():
            if failure is not None:
                failed[record.stage, record.task, check].append(record)
    tallied = {(row["stage"], row["task"], row["check"]): row for row in tally.rows(with_rates=False)}
    parts: dict[Key, _Part] = {}
    tasks = list(dict.fromkeys(task for _, task in sent))
    stages = list(dict.fromkeys(stage for stage, _ in sent))
    groups = sorted(sent, key=lambda pair: (stages.index(pair[0]), tasks.index(pair[1])))
    for key in _keys(groups, list(tallied), evidence.terms):
        judged, failures = (tallied[key]["judged"], tallied[key]["failures"]) if key in tallied else (0, {})
        parts[key] = _Part(sent[key[:2]], judged, Counter(failures), failed.get(key, []))
    return parts


def _keys(sent: Sequence[tuple[str, str]], tallied: Sequence[Key], terms: Terms) -> list[Key]:
    """The checks that the test lists, whether or not an answer could be judged, and any others that were recorded."""
    keys: list[Key] = []
    for stage, task in sent:
        asked = [check for name, check in terms.checks if name == task]
        seen = [check for one, other, check in tallied if (one, other) == (stage, task)]
        keys += [(stage, task, check) for check in dict.fromkeys([*asked, *seen])]
    return keys


def _total(parts: Sequence[_Part]) -> _Part:
    whole = _Part()
    for part in parts:
        whole.requests += part.requests
        whole.judged += part.judged
        whole.failures += part.failures
        whole.failed += part.failed
    return whole


def _row(stage: str | None, task: str | None, check: str, part: _Part, evidence: Evidence) -> AnswerRow:
    count, shown = part.failures.total(), part.failures.most_common(FAILURES_SHOWN)
    return AnswerRow(
        stage=stage, task=task, check=check, requests=part.requests, judged=part.judged,
        failed=count if part.judged else None, rate=failure_rate(count, part.judged) if part.judged else None,
        failures=dict(shown), other_failures=count - sum(number for _, number in shown),
        examples=tuple(
            FailedAnswer(record.checks[check] or "", record.mark, evidence.seconds(record.intended))
            for record in _examples(check, part)
        ),
    )


def _examples(check: str, part: _Part) -> list[RecordedRequest]:
    """A first example of each of the most frequent failures, then the earliest of the others."""
    firsts: dict[str | None, RecordedRequest] = {}
    for record in part.failed:
        firsts.setdefault(record.checks[check], record)
    chosen = [firsts[failure] for failure, _ in part.failures.most_common(EXAMPLES_SHOWN)]
    chosen += [record for record in part.failed[:2 * EXAMPLES_SHOWN] if record not in chosen]
    return chosen[:EXAMPLES_SHOWN]
