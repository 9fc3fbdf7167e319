"""What the tables of answers say in a sentence each: whose they were, how they ended, their structure, and recall."""
from __future__ import annotations

from collections.abc import Sequence

from elastometer.model.answer_tables import ENDERS, AnswerEndRow, Aspect, EndedBy, IsolationRow, Sizes, StructuredRow
from elastometer.model.estimates import Rate
from elastometer.model.in_short import InShort, Question
from elastometer.model.in_words import count, plural, share_interval
from elastometer.model.report import Report
from elastometer.model.story import Anchor


def isolation(report: Report) -> InShort | None:
    """Whether requests got each other's answers."""
    if not report.isolation:
        return None
    whole = report.isolation[-1]
    parts = [_mixed(found, name) for found, name in (
        (whole.other_task, "looked like another task's"), (whole.foreign_mark, "carried another request's mark"))
        if found is not None]
    if not parts:
        return InShort(Question.ISOLATION, "Whether requests got each other's answers is not known",
                       Anchor.ISOLATION, "; ".join(dict.fromkeys(whole.missing.values())))
    attributed = whole.answers - whole.unattributed
    text = f"Of {plural(attributed, 'attributed answer')}, {' and '.join(parts)}{_first(report.isolation)}"
    return InShort(Question.ISOLATION, text, Anchor.ISOLATION)


def _mixed(found: Rate, name: str) -> str:
    return f"{'none' if not found.hits else count(found.hits)} {name} ({share_interval(found)})"


def _first(rows: Sequence[IsolationRow]) -> str:
    """The first level with such an answer, where there is more than one level."""
    for row in rows[:-1]:
        if any(found is not None and found.hits for found in (row.other_task, row.foreign_mark)):
            return f", first at '{row.level}'"
    return ""


def answer_ends(report: Report) -> InShort | None:
    """How long answers became and what ended them, of the task with the longest; asked where a test demands a length or
    looks at repetition."""
    rows = [row for row in report.answer_ends if row.early is not None or row.repetition is not None]
    if not rows:
        return None
    known = [row for row in rows if row.made is not None]
    if not known:
        return InShort(Question.ANSWER_ENDS, "How long the answers became is not known", Anchor.ANSWER_ENDS,
                       rows[0].missing.get("made", ""))
    early = [row for row in known if row.early is not None and row.early.hits]
    row = max(early or known, key=_longest)
    text = f"Answers to '{row.task}' in '{row.stage}' had {_tokens(row.made)}{_asked(row.asked)}, and {_enders(row)}" \
           f"{_early(row)}"
    return InShort(Question.ANSWER_ENDS, text, Anchor.ANSWER_ENDS)


def _longest(row: AnswerEndRow) -> float:
    return 0.0 if row.made is None else row.made.most


def _tokens(found: Sizes | None) -> str:
    if found is None or found.p50.value is None:
        return "an unknown number of tokens"
    span = "" if found.least == found.most else f" ({count(found.least)} to {count(found.most)})"
    return f"{count(found.p50.value)} tokens{span}"


def _asked(found: Sizes | None) -> str:
    return "" if found is None or found.p50.value is None else f" of {count(found.p50.value)} asked for"


def _enders(row: AnswerEndRow) -> str:
    parts: dict[EndedBy, int] = dict(sorted(row.ended_by.items(), key=lambda one: -one[1])[:2])
    return " and ".join(f"{ENDERS[who]} ended {number:,} of {row.answers:,}" for who, number in parts.items())


def _early(row: AnswerEndRow) -> str:
    if row.early is None:
        return ""
    return f"; {'none' if not row.early.hits else count(row.early.hits)} ended before they should " \
           f"({share_interval(row.early)})"


def structured(report: Report) -> InShort | None:
    """Whether structured answers are valid, of the task that is worst."""
    rows = [row for row in _wholes(report.structured) if row.whole is not None]
    row = min(rows, key=lambda one: 100.0 if one.whole is None else one.whole.percent, default=None)
    if row is None or row.whole is None:
        return None
    syntax = row.aspects.get(Aspect.SYNTAX)
    valid = "" if syntax is None else f", and {count(syntax.hits)} were valid JSON ({share_interval(syntax)})"
    text = f"{count(row.whole.hits)} of {count(row.whole.count)} structured answers to '{row.task}' were right " \
           f"({share_interval(row.whole)}){valid}{_bound(row)}"
    return InShort(Question.STRUCTURE, text, Anchor.STRUCTURED)


def _wholes(rows: Sequence[StructuredRow]) -> list[StructuredRow]:
    """One row for each task: that of all its stages, or its only one."""
    last = {row.task: row for row in rows}
    return list(last.values())


def _bound(row: StructuredRow) -> str:
    if row.bound_percent is None:
        return ""
    bound = f"{row.bound_percent:g} %"
    if row.bound_is_shown:
        return f", which shows at least {bound}"
    needed = "no number of them would" if row.answers_needed is None else f"{count(row.answers_needed)} would"
    return f"; that does not show at least {bound}, and at this share {needed}"


def recall(report: Report) -> InShort | None:
    """How far back a conversation is remembered."""
    if report.recall is None:
        return None
    known = [row for row in report.recall.rows if row.recalled is not None]
    if not known:
        return InShort(Question.RECALL, "How far back a conversation is remembered is not known", Anchor.RECALL,
                       report.recall.rows[0].missing.get("recalled", ""))
    forgets = report.recall.forgets
    if forgets is None:
        last = known[-1]
        return None if last.recalled is None else InShort(
            Question.RECALL, f"Facts were recalled {_over(last.turns)}: {_of(last.recalled)} there", Anchor.RECALL)
    tokens = "" if forgets.tokens is None else f" ({count(forgets.tokens)} tokens)"
    doubt = "" if forgets.is_proven else ", which so few answers do not prove"
    text = f"With {plural(forgets.turns, 'turn')}{tokens} or more between, fewer than {forgets.bound_percent:.0f} % " \
           f"of the facts were recalled: {_of(forgets.recalled)} there{doubt}"
    return InShort(Question.RECALL, text, Anchor.RECALL)


def _over(turns: int | None) -> str:
    return "within one request" if turns is None else f"with up to {plural(turns, 'turn')} between"


def _of(found: Rate) -> str:
    return f"{count(found.hits)} of {count(found.count)} ({share_interval(found)})"
