"""A finding from the rows by input: the length from which on requests are slow, lost, or answered worse."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from elastometer.model.by_input import InputBy, InputRow, lengths_of
from elastometer.model.estimates import Rate
from elastometer.model.findings import FindingName, Severity
from elastometer.model.in_words import share_interval
from elastometer.model.report import Finding, Report
from elastometer.statistics.rates import rate

_UNITS = {InputBy.LENGTH: "tokens", InputBy.CHARACTERS: "characters"}


def input_findings(report: Report) -> Iterator[Finding]:
    """One finding for all stages and tasks in which longer inputs are worse than shorter ones."""
    sized = [row for row in report.by_input if row.by in _UNITS]
    tables = groupby(sized, key=lambda row: lengths_of(row.by, row.stage, row.task))
    found = [text for _, rows in tables if (text := _too_long(list(rows))) is not None]
    if found:
        yield Finding(
            FindingName.INPUT_TOO_LONG, Severity.WARNING, "From some length on, inputs are too long", "; ".join(found),
            "Cut or split inputs before they reach this length, or state it as the limit of the service. Where only "
            "the time is too long, prompts are read faster with prefix caching, chunked prefill "
            "(`--max-num-batched-tokens`) or a larger GPU.")


def _too_long(rows: Sequence[InputRow]) -> str | None:
    """The shortest length from which on every row is worse than those before it; None if there is none, or if the
    shortest of all is as bad."""
    worse = [_worse(row, rows[:number]) for number, row in enumerate(rows)]
    first = next((number for number in range(1, len(rows)) if all(worse[number:])), None)
    if first is None or worse[first - 1]:
        return None
    row = rows[first]
    unit, task = _UNITS[row.by], "" if row.by is InputBy.LENGTH or row.task is None else f", task '{row.task}'"
    size = f"{(row.low or 0) + 1:,} {unit}" if row.by is InputBy.CHARACTERS else \
        f"'{row.label}'" if row.size is None else f"{row.size:,.0f} {unit}"
    before = rows[first - 1]
    return f"'{row.stage}'{task}, from {size} on (up to {_upper(before)} all is well): {worse[first]}"


def _upper(row: InputRow) -> str:
    return f"{row.high:,}" if row.high is not None else row.label if row.size is None else f"{row.size:,.0f}"


def _worse(row: InputRow, shorter: Sequence[InputRow]) -> str | None:
    """In which way, with its numbers. Shares must lie beyond those of all shorter rows together by both intervals."""
    if not shorter:
        return row.slow
    lost = _beyond(row.errors, _together([one.errors for one in shorter]))
    failed = _beyond(row.failed_own, _together([one.failed_own for one in shorter]))
    timed_out = f", {row.timed_out} of them timed out" if row.timed_out else ""
    reasons = [
        f"{row.errors.hits:,} of {row.errors.count:,} were lost{timed_out} ({share_interval(row.errors)}; shorter ones "
        f"{lost})" if lost else "",
        f"{row.failed_own.hits:,} of {row.failed_own.count:,} answers fail a check "
        f"({share_interval(row.failed_own)}; shorter ones {failed})" if failed and row.failed_own else "",
        row.slow or ""]
    return "; ".join(filter(None, reasons)) or None


def _together(rates: Sequence[Rate | None]) -> Rate | None:
    known = [one for one in rates if one is not None]
    count = sum(one.count for one in known)
    return rate(sum(one.hits for one in known), count) if count else None


def _beyond(found: Rate | None, shorter: Rate | None) -> str | None:
    """The interval of the shorter ones, if the other lies above it."""
    if found is None or shorter is None or found.interval.low <= shorter.interval.high:
        return None
    return share_interval(shorter)
