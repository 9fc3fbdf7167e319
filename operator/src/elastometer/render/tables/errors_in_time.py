"""Failed first attempts: when they came, and what became of them."""
from __future__ import annotations

from elastometer.model.errors_in_time import BEGIN_SECONDS, ErrorKind, SecondAttempts
from elastometer.model.in_words import percent, share_interval
from elastometer.model.report import Report
from elastometer.model.story import Anchor
from elastometer.render.tables.table import Cell, Row, Table, TableSection
from elastometer.render.wording import numbers

_HEAD = ("Stage", "Class", "Status", "Message", "Failed", "First", "Last", f"In the first {BEGIN_SECONDS:.0f} s",
         "By chance", "Second attempt")


def errors_in_time(report: Report) -> TableSection | None:
    """A row for each stage, class, status and message."""
    if not report.errors_in_time:
        return None
    table = Table("errors-in-time-kinds", _HEAD, tuple(map(_row, report.errors_in_time)),
                  words=frozenset({1, 3, 9}), noun="kinds of errors")
    return TableSection(
        Anchor.ERRORS_IN_TIME, "Errors in time", (table,),
        "first attempts that failed, by when they were due; numbers in messages are written as N",
        remarks=(f"By chance: how likely at least so many of them are in the first {BEGIN_SECONDS:.0f} s of their "
                 "stage if failing does not depend on the time.",))


def _row(one: ErrorKind) -> Row:
    early = Cell(numbers.DASH) if one.early is None else Cell(
        f"{one.early.hits:,} of {one.early.count:,}", share_interval(one.early))
    example = "" if one.example is None or one.example == one.message else one.example
    return Row((
        Cell(one.stage), Cell(one.outcome), Cell(numbers.DASH if one.status is None else str(one.status)),
        Cell(one.message or numbers.DASH, example), Cell(f"{one.count:,}", f"of {one.requests:,}"),
        Cell(numbers.instant(one.first_seconds)), Cell(numbers.instant(one.last_seconds)), early,
        Cell(numbers.DASH if one.chance is None else percent(100 * one.chance)),
        Cell(second_words(one.second_attempt))))


def second_words(found: SecondAttempts) -> str:
    """3 served, 1 lost again, 2 not sent again."""
    parts = ((found.served, "served"), (found.lost, "lost again"), (found.not_sent, "not sent again"))
    return ", ".join(f"{number:,} {words}" for number, words in parts if number)
