"""Findings from the tables of answers: what ends them early, repeats, is forgotten, or does not keep to its structure.

A share counts only where its whole interval is beyond what it may be, so that one odd answer of many is no finding.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from elastometer.analysis.requests.recall import BOUND_PERCENT
from elastometer.model.answer_tables import (
    ENDERS,
    AnswerEndRow,
    EndedBy,
    Forgetting,
    Recall,
    RecallRow,
    Repetition,
    Sizes,
    StructuredRow,
)
from elastometer.model.answers import AnswerRow
from elastometer.model.findings import FindingName, Severity
from elastometer.model.in_words import count, plural, share_interval
from elastometer.model.report import Finding, Report
from elastometer.statistics.rates import rate
from elastometer_loadgen.checks.check import CheckType

# What may go wrong where no objective says how much: a percent of the answers.
LEAST_PERCENT = 1.0
# Answers that all end by themselves just short of their limit: fewer than these, or than half, happen by chance.
NEAR_LIMIT_ANSWERS = 3
ROWS_SHOWN = 5
_HELP: Mapping[EndedBy, str] = {
    EndedBy.MODEL: "The model stops by itself: ask for the length in the prompt, or set `ignoreEndOfText` where the "
                   "test is about a fixed length.",
    EndedBy.MAX_TOKENS: "Raise `maximumTokens` to more than the answers need.",
    EndedBy.CONTEXT: "Prompt and answer filled the model's context: raise `--max-model-len`, or shorten the prompts.",
    EndedBy.LENGTH: "Raise `maximumTokens`, or `--max-model-len` where prompt and answer fill the context.",
}

_STOPS_SHORT = "Longer answers may not be possible: the model, or a limit in front of it, ends them. Look at how " \
               "they end, and do not plan with the limit as their length."


def answer_table_findings(report: Report) -> Iterator[Finding]:
    """Of a report that has its tables of answers."""
    yield from _end_early(report.answer_ends)
    yield from _repetitive(report.answer_ends, report.answers)
    yield from _forgets(report.recall)
    yield from _structure(report.structured)


def _end_early(rows: Sequence[AnswerEndRow]) -> Iterator[Finding]:
    """Beside what a task demands: asked for 8,192 tokens, a model that always stops at 7,600 has a reason for it."""
    early = [row for row in rows if row.early is not None and row.early.hits
             and (row.early.interval.low > LEAST_PERCENT or EndedBy.CONTEXT in row.early_by)]
    near = [(row, row.near_limit) for row in rows
            if row.near_limit is not None and row not in early and _all_stop_short(row, row.near_limit)]
    if not early and not near:
        return
    enders = [one for one in _HELP if any(one in row.early_by for row in early)]
    advice = [*(_HELP[one] for one in enders), *([_STOPS_SHORT] if near else [])]
    yield Finding(
        FindingName.ANSWERS_END_EARLY, Severity.WARNING if early else Severity.HINT,
        "Answers ended before they should" if early else "Answers stop just short of the tokens asked for",
        _shown([*map(_early, early), *(_near(row, number) for row, number in near)]),
        " ".join(advice) or "The server ended them: look for aborts and broken streams in its log.")


def _early(row: AnswerEndRow) -> str:
    if row.early is None:
        return _where(row)
    by = ", ".join(f"{ENDERS[who]} {number:,}" for who, number in row.early_by.items())
    return f"{_where(row)}: {row.early.hits:,} of {row.early.count:,} ({share_interval(row.early)}), ended by {by}; " \
           f"{_tokens(row)}"


def _near(row: AnswerEndRow, near: int) -> str:
    return f"{_where(row)}: the model ended {near:,} of {row.answers:,} by itself with at least 90 % of the tokens, " \
           f"and none reached the limit; {_tokens(row)}"


def _all_stop_short(row: AnswerEndRow, near: int) -> bool:
    is_cut = any(one in row.ended_by for one in (EndedBy.MAX_TOKENS, EndedBy.CONTEXT, EndedBy.LENGTH))
    return near >= NEAR_LIMIT_ANSWERS and 2 * near >= row.answers and not is_cut


def _tokens(row: AnswerEndRow) -> str:
    return f"asked for {_sizes(row.asked)} tokens, made {_sizes(row.made)}"


def _sizes(found: Sizes | None) -> str:
    if found is None or found.p50.value is None:
        return "an unknown number of"
    span = "" if found.least == found.most else f" ({count(found.least)} to {count(found.most)})"
    return count(found.p50.value) + span


def _repetitive(rows: Sequence[AnswerEndRow], answers: Sequence[AnswerRow]) -> Iterator[Finding]:
    failed = {(row.stage, row.task): row for row in answers
              if row.check == CheckType.REPETITION.value and row.rate and row.rate.low_percent > LEAST_PERCENT}
    hit = [words for row in rows if (words := _repeats(row, failed.get((row.stage, row.task)))) is not None]
    if hit:
        yield Finding(
            FindingName.REPETITIVE, Severity.WARNING, "Answers repeat themselves", _shown(hit),
            "Raise `repetitionPenalty` or `frequencyPenalty` a little, ask for shorter answers, or end them where they "
            "begin to repeat: what follows costs time and says nothing.")


def _repeats(row: AnswerEndRow, failed: AnswerRow | None) -> str | None:
    found = row.repetition
    looked_at = 0 if found is None else found.longest_percent.count
    is_late = found is not None and looked_at > 0 and rate(found.late, looked_at).interval.low > LEAST_PERCENT
    if failed is None and not is_late:
        return None
    parts = [] if failed is None else [f"{failed.failed:,} of {failed.judged:,} fail the check"]
    parts += [] if found is None else [_repetition(found, looked_at)]
    return f"{_where(row)}: {'; '.join(parts)}"


def _repetition(found: Repetition, looked_at: int) -> str:
    quarters = ", ".join(f"{one:.0f}" for one in found.quarter_percents)
    late = f"; {found.late:,} of {looked_at:,} begin to repeat late" if found.late else ""
    return f"the longest repeated run is up to {found.longest_percent.most:.0f} % of the words, four words in a row " \
           f"come up to {count(found.most_frequent.most)} times, and by quarter of the answer {quarters} % had been " \
           f"said before{late}"


def _forgets(recall: Recall | None) -> Iterator[Finding]:
    """By the distance, and tasks that forget although longer distances are remembered: one whose fact changed, say."""
    if recall is None:
        return
    begin = recall.forgets if recall.forgets is not None and recall.forgets.is_proven else None
    lost = [row for row in recall.rows if row.recalled and row.recalled.interval.high < BOUND_PERCENT]
    if begin is None and not lost:
        return
    title = "Facts of a conversation are not recalled" if begin is None else \
        f"Facts are forgotten with {plural(begin.turns, 'turn')}{_tokens_of(begin)} between"
    by = ", ".join(f"{_distance(row)}: {row.recalled.hits:,} of {row.recalled.count:,}" for row in recall.rows
                   if row.recalled)
    which = ", ".join(f"'{row.task}' ({share_interval(row.recalled)})" for row in lost if row.recalled)
    yield Finding(
        FindingName.FORGETS, Severity.WARNING, title,
        f"Fewer than {BOUND_PERCENT:.0f} % were recalled in {which or 'the longest conversations'}; recalled by turns "
        f"between: {by}",
        "Put the facts that must be kept into the system prompt or into each question, or keep conversations shorter. "
        "If the prompt's tokens stop growing with the turns, something in front of the model cuts the conversation.")


def _tokens_of(found: Forgetting) -> str:
    return "" if found.tokens is None else f" ({count(found.tokens)} tokens)"


def _distance(row: RecallRow) -> str:
    return f"{'in one request' if row.turns is None else row.turns} ('{row.task}')"


def _structure(rows: Sequence[StructuredRow]) -> Iterator[Finding]:
    hit = [row for row in rows if _is_unreliable(row)]
    if hit:
        yield Finding(
            FindingName.STRUCTURE_UNRELIABLE, Severity.WARNING, "Structured answers fail too often",
            _shown([_failing(row) for row in hit]),
            "Let the server hold the answers to the schema (`responseFormat: JSONSchema`), name the fields in the "
            "prompt, or check each answer and ask again.")


def _is_unreliable(row: StructuredRow) -> bool:
    allowed = LEAST_PERCENT if row.bound_percent is None else 100 - row.bound_percent
    return row.whole is not None and 100 - row.whole.interval.high > allowed


def _failing(row: StructuredRow) -> str:
    if row.whole is None:
        return ""
    wrong = {aspect: found.count - found.hits for aspect, found in row.aspects.items() if found is not None}
    parts = ", ".join(f"{aspect.value} {number:,}" for aspect, number in wrong.items() if number)
    where = "in all stages" if row.stage is None else f"in '{row.stage}'"
    flight = "" if row.in_flight is None else f", with {row.in_flight:.1f} in flight"
    failed = rate(row.whole.count - row.whole.hits, row.whole.count)
    bound = "" if row.bound_percent is None else f"; the objective allows {100 - row.bound_percent:g} %"
    return f"task '{row.task}' {where}{flight}: {failed.hits:,} of {failed.count:,} are wrong " \
           f"({share_interval(failed)}{bound}): {parts}"


def _where(row: AnswerEndRow) -> str:
    return f"task '{row.task}' in '{row.stage}'"


def _shown(parts: Sequence[str]) -> str:
    more = f"; and {len(parts) - ROWS_SHOWN} more rows" if len(parts) > ROWS_SHOWN else ""
    return "; ".join(parts[:ROWS_SHOWN]) + more
