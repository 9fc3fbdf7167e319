"""The tables about answers: whose they were, how they ended, their structure, and what of conversations they recall."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from elastometer.model.answer_tables import (
    ENDERS,
    AnswerEndRow,
    Aspect,
    EndedBy,
    Forgetting,
    IsolationRow,
    RecallRow,
    Repetition,
    Sizes,
    StructuredRow,
)
from elastometer.model.estimates import Rate
from elastometer.model.in_words import plural, share_interval
from elastometer.model.report import Report
from elastometer.model.story import Anchor
from elastometer.render.tables.table import Cell, Row, Table, TableSection
from elastometer.render.wording import estimates, numbers

ALL = "all"
_ISOLATION = ("Level", "Answers", "Own task's", "Another task's", "Another request's mark", "Cannot be attributed")
_ENDS = ("Stage", "Task", "Answers", "Tokens asked for", "Tokens made", "Characters", "Ended by", "Ended early",
         "Tokens/s")
_REPEATS = ("Stage", "Task", "Answers", "Longest repeated run", "Most frequent 4 words, times",
            "Repeated, by quarter of the answer", "Late")
_ASPECTS: Mapping[Aspect, str] = {
    Aspect.SYNTAX: "Valid JSON", Aspect.FIELDS: "All fields", Aspect.NAMES: "Names", Aspect.ARRAYS: "Arrays",
    Aspect.TYPES: "Types", Aspect.VALUES: "Values"}
_STRUCTURED = ("Task", "Stage", "In flight", "Right as a whole", *_ASPECTS.values(), "Failures", "Objective")
_RECALL = ("Turns between", "Tokens between", "Stage", "Task", "Recalled", "Forgotten", "Share recalled")
JUDGED = "judged by the load generator as the answers arrived; Wilson intervals at 95 %"


def isolation(report: Report) -> TableSection | None:
    """Answers by whose they were."""
    if not report.isolation:
        return None
    table = Table("isolation-levels", _ISOLATION, tuple(map(_isolation_row, report.isolation)), noun="levels",
                  remarks=tuple(_reasons(row.missing for row in report.isolation)))
    return TableSection(
        Anchor.ISOLATION, "Isolation", (table,), source=JUDGED, remarks=(
            "Shares are of the answers that can be attributed. A mark proves whose answer it is; a form shows only "
            "that it is not what its own task asks for.",))


def _isolation_row(row: IsolationRow) -> Row:
    hits = sum(found.hits for found in (row.other_task, row.foreign_mark) if found is not None)
    return Row((
        Cell(ALL if row.level is None else row.level), Cell(numbers.number(row.answers)), Cell(numbers.number(row.own)),
        _hits(row.other_task), _hits(row.foreign_mark), Cell(numbers.number(row.unattributed))),
        is_bad=hits > 0, is_sum=row.level is None)


def answer_ends(report: Report) -> TableSection | None:
    """How answers ended, and how far they repeat themselves."""
    if not report.answer_ends:
        return None
    ends = Table("answer-ends-rows", _ENDS, tuple(map(_end_row, report.answer_ends)), words=frozenset({1, 6, 7}),
                 remarks=tuple(_reasons({name: why for name, why in row.missing.items() if name != "repetition"}
                                        for row in report.answer_ends)))
    repeats = tuple(_repeat_row(row, row.repetition) for row in report.answer_ends if row.repetition is not None)
    tables = (ends, *([Table("answer-repeats-rows", _REPEATS, repeats, title="Repetition", words=frozenset({1}))]
                      if repeats else ()))
    return TableSection(
        Anchor.ANSWER_ENDS, "How answers ended", tables,
        source="the finish reasons and token counts of the server; the median, and from the least to the most",
        remarks=(
            "Tokens/s is of each answer, from send to end. An answer ended early if it is shorter than its task "
            "demands, or was cut off by the context, or by max_tokens where the task has the check Truncation.",))


def _end_row(row: AnswerEndRow) -> Row:
    early = numbers.DASH if row.early is None else \
        f"{row.early.hits:,} of {row.early.count:,}" + (f", by {ended_by(row.early_by)}" if row.early_by else "")
    return Row((
        Cell(row.stage), Cell(row.task), Cell(numbers.number(row.answers)), sizes(row.asked), sizes(row.made),
        sizes(row.characters), Cell(ended_by(row.ended_by)),
        Cell(early, "" if row.early is None else share_interval(row.early)),
        sizes(row.tokens_per_second, digits=1)), is_bad=row.early is not None and row.early.hits > 0)


def _repeat_row(row: AnswerEndRow, found: Repetition) -> Row:
    quarters = " · ".join(f"{one:.0f} %" for one in found.quarter_percents)
    return Row((
        Cell(row.stage), Cell(row.task), Cell(numbers.number(found.longest_percent.count)),
        sizes(found.longest_percent, digits=1, unit=" %"), sizes(found.most_frequent), Cell(quarters),
        Cell(numbers.number(found.late))), is_bad=found.late > 0)


def ended_by(counts: Mapping[EndedBy, int]) -> str:
    """`the model: 97, max_tokens: 3`."""
    return ", ".join(f"{ENDERS[who]}: {count:,}" for who, count in counts.items()) or numbers.DASH


def structured(report: Report) -> TableSection | None:
    """What was wrong with structured answers."""
    if not report.structured:
        return None
    table = Table("structured-rows", _STRUCTURED, tuple(map(_structured_row, report.structured)),
                  words=frozenset({1, 10, 11}), remarks=tuple(_reasons(row.missing for row in report.structured)))
    return TableSection(
        Anchor.STRUCTURED, "Structured answers", (table,), source=JUDGED, remarks=(
            "An answer counts as wrong in one column alone, the one that its check reported. From All fields on, "
            "shares are of the answers that are JSON.",))


def _structured_row(row: StructuredRow) -> Row:
    failures = [f"{name} {count:,}" for name, count in row.failures.items()]
    failures += [f"{row.other_failures:,} of other kinds"] if row.other_failures else []
    return Row((
        Cell(row.task), Cell(ALL if row.stage is None else row.stage), Cell(numbers.number(row.in_flight, 1)),
        _share(row.whole), *(_share(row.aspects[aspect]) for aspect in _ASPECTS),
        Cell(", ".join(failures) or numbers.DASH), Cell(*shown(row))),
        is_bad=row.whole is not None and row.whole.hits < row.whole.count, is_sum=row.stage is None)


def shown(row: StructuredRow) -> tuple[str, str]:
    """(what of its objective this many answers show, how many it would take)."""
    if row.bound_percent is None or row.whole is None:
        return numbers.DASH, ""
    bound = f"{row.bound_percent:g} %"
    if row.bound_is_shown:
        return f"at least {bound} is shown", ""
    if row.answers_needed is None:
        return f"at least {bound} is not shown", "no number of answers at this share would"
    return f"at least {bound} is not shown", f"takes {row.answers_needed:,} answers at this share"


def recall(report: Report) -> TableSection | None:
    """What was remembered, by the distance."""
    if report.recall is None:
        return None
    rows = tuple(map(_recall_row, report.recall.rows))
    table = Table("recall-rows", _RECALL, rows, words=frozenset({2, 3}),
                  remarks=tuple(_reasons(row.missing for row in report.recall.rows)))
    forgets = report.recall.forgets
    return TableSection(
        Anchor.RECALL, "Recall", (table,), source=JUDGED, sentences=() if forgets is None else (forgetting(forgets),),
        remarks=("Turns are those between the one that gives the fact and the one that asks for it, tokens what the "
                 "prompt grew by from the one to the other, by the server's count.",))


def _recall_row(row: RecallRow) -> Row:
    found = row.recalled
    lost = None if found is None else found.count - found.hits
    return Row((
        Cell(numbers.number(row.turns)), sizes(row.tokens), Cell(row.stage), Cell(row.task),
        Cell(numbers.number(None if found is None else found.hits)), Cell(numbers.number(lost)),
        Cell(*estimates.rate(found, None if found is None else found.percent))), is_bad=bool(lost))


def forgetting(found: Forgetting) -> str:
    """From where recall stays below its bound."""
    tokens = "" if found.tokens is None else f" ({found.tokens:,.0f} tokens)"
    doubt = "" if found.is_proven else "; so few answers do not prove it"
    return f"With {plural(found.turns, 'turn')}{tokens} or more between, fewer than {found.bound_percent:.0f} % of " \
           f"the facts were recalled: {found.recalled.hits:,} of {found.recalled.count:,} there, " \
           f"{share_interval(found.recalled)}{doubt}."


def sizes(found: Sizes | None, digits: int = 0, unit: str = "") -> Cell:
    """The median, and from the least to the most where they differ."""
    if found is None:
        return Cell(numbers.DASH)
    middle = numbers.number(found.p50.value, digits, unit)
    low, high = numbers.number(found.least, digits), numbers.number(found.most, digits)
    return Cell(middle, "" if low == high else f"{low} to {high}")


def _hits(found: Rate | None) -> Cell:
    return Cell(numbers.DASH) if found is None else Cell(f"{found.hits:,}", share_interval(found))


def _share(found: Rate | None) -> Cell:
    return Cell(numbers.DASH) if found is None else Cell(f"{found.hits:,} of {found.count:,}", share_interval(found))


def _reasons(missing: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """Why there are dashes, each reason once."""
    for why in dict.fromkeys(reason for one in missing for reason in one.values()):
        yield f"{numbers.DASH}: {why}."
