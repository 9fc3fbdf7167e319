"""Requests by task, by input length, by group and by characters, with the line of latency over length."""
from __future__ import annotations

from collections.abc import Iterator

from elastometer.model.by_input import InputBy, InputLine, InputRow
from elastometer.model.report import Report
from elastometer.model.story import Anchor
from elastometer.render.tables.levels import lost_words
from elastometer.render.tables.table import Cell, Row, Table, TableSection
from elastometer.render.wording import estimates, numbers

_TITLES = {InputBy.TASK: ("By stage and task", "Task"), InputBy.LENGTH: ("By length of the prompt", "Length"),
           InputBy.GROUP: ("By group", "Group"),
           InputBy.CHARACTERS: ("By characters of the user's message", "Characters")}
_UNITS = {InputBy.LENGTH: "tokens", InputBy.CHARACTERS: "characters"}
_TIMES = ("Requests", "Mean", "P50", "P90", "P95", "P99", "TTFT P50", "TTFT P95", "Tokens/s of a request", "Errors",
          "Lost by class and status", "Failed checks", "Mark")


def by_input(report: Report) -> TableSection | None:
    """A table for each way to group requests."""
    tables = tuple(_table(by, [row for row in report.by_input if row.by is by]) for by in InputBy)
    found = tuple(one for one in tables if one is not None)
    if not found:
        return None
    return TableSection(Anchor.BY_INPUT, "By task and by input", found,
                        "exact percentiles by nearest rank, without warm-ups; intervals at 95 %",
                        tuple(map(_line, filter(_is_shown, report.input_lines))), tuple(_remarks(report)))


def _table(by: InputBy, rows: list[InputRow]) -> Table | None:
    if not rows:
        return None
    title, name = _TITLES[by]
    size = ("Median length",) if by in _UNITS else ()
    task = ("Task",) if by is InputBy.CHARACTERS else ()
    head = ("Stage", *task, name, *size, *_TIMES)
    words = {1, 1 + len(task), len(head) - 3, len(head) - 1}
    return Table(f"by-{by.value.lower()}", head, tuple(map(_row, rows)), title, frozenset(words))


def _row(row: InputRow) -> Row:
    latency, first = row.latency, row.time_to_first_token
    size = (Cell(numbers.number(row.size)),) if row.by in _UNITS else ()
    task = (Cell(row.task or numbers.DASH),) if row.by is InputBy.CHARACTERS else ()
    return Row((
        Cell(row.stage), *task, Cell(row.label), *size, Cell(numbers.number(row.requests)),
        Cell(*estimates.mean(latency)),
        Cell(*estimates.quantile(latency, "p50", latency.p50)), Cell(*estimates.quantile(latency, "p90", latency.p90)),
        Cell(*estimates.quantile(latency, "p95", latency.p95)), Cell(*estimates.quantile(latency, "p99", latency.p99)),
        Cell(*estimates.quantile(first, "p50", first.p50)), Cell(*estimates.quantile(first, "p95", first.p95)),
        _pace(row), Cell(*estimates.rate(row.errors, row.errors.percent)), Cell(lost_words(row.lost)),
        Cell(*estimates.rate(row.failed_checks, None if row.failed_checks is None else row.failed_checks.percent)),
        Cell(*_mark(row))), is_bad=row.slow is not None or row.timed_out > 0)


def _pace(row: InputRow) -> Cell:
    found = row.tokens_per_second
    note = "" if found.interval is None else f"{found.interval.low:.3g} to {found.interval.high:.3g}"
    return Cell(numbers.DASH if found.value is None else f"{found.value:.3g}", note)


def _mark(row: InputRow) -> tuple[str, str]:
    timed_out = f"timed out: {row.timed_out:,} of {row.requests:,}" if row.timed_out else ""
    words = ["slow"] if row.slow else []
    return ", ".join([*words, *filter(None, (timed_out,))]) or numbers.DASH, row.slow or ""


def _is_shown(line: InputLine) -> bool:
    """That of a Sweep always; that of characters only where it is not flat, since every stage has one."""
    found = line.interval
    return line.by is InputBy.LENGTH or (found is not None and not found.low <= 0.0 <= found.high)


def _line(line: InputLine) -> str:
    unit = _UNITS[line.by]
    spread = "" if line.interval is None else f" ({line.interval.low:,.1f} to {line.interval.high:,.1f})"
    bend = {True: "; it bends: the longer half rises faster than the shorter half",
            False: "; one line fits all lengths", None: ""}[line.bends]
    where = f"In '{line.stage}'" + ("" if line.task is None else f", task '{line.task}'")
    return (f"{where}, latency is {numbers.duration(line.at_zero)} and {line.per_thousand:,.1f} ms{spread} "
            f"more for each 1,000 {unit} (Theil and Sen, n={line.requests:,}); no median lies further than "
            f"{numbers.duration(line.residual)} from that line{bend}")


def _remarks(report: Report) -> Iterator[str]:
    if any(row.by in _UNITS for row in report.by_input):
        yield ("A length is slow if it misses an objective on durations, or if its P50 lies above nearly all that the "
               "line through the shorter lengths leads to expect.")
