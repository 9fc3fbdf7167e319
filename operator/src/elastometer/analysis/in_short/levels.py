"""How much the server bears, how response times change as the load rises, with which input, and what was lost when."""
from __future__ import annotations

from elastometer.model.by_input import InputBy, InputLine, InputRow
from elastometer.model.errors_in_time import BEGIN_SECONDS
from elastometer.model.in_short import InShort, Question
from elastometer.model.in_words import duration, plural
from elastometer.model.levels import LEVEL_WORDS, LevelRow, ladders
from elastometer.model.load_rows import Quantiles
from elastometer.model.report import Report
from elastometer.model.story import Anchor


def limit(report: Report) -> InShort | None:
    """Only where several levels were held."""
    if report.recommended_limit:
        return InShort(Question.LIMIT, report.recommended_limit[0].text, Anchor.LEVELS)
    if not ladders(report.levels):
        return None
    return InShort(Question.LIMIT, "How much the server bears is not known", Anchor.LEVELS,
                   "an objective on requests that holds for every stage")


def response_times(report: Report) -> InShort | None:
    """From the lowest to the highest level of the longest ladder."""
    found = ladders([row for row in report.levels if row.latency.p50 is not None])
    if not found:
        return None
    low, high = found[0][0], found[0][-1]
    return InShort(
        Question.RESPONSE_TIMES,
        f"From {low.level:,} to {high.level:,} {LEVEL_WORDS[low.of]}, P50 of the latency goes from "
        f"{_p50(low.latency)} to {_p50(high.latency)}, and the rate from {_rate(low)} to {_rate(high)} requests/s",
        Anchor.LEVELS)


def _p50(found: Quantiles) -> str:
    interval = found.intervals.get("p50")
    spread = "" if interval is None else f" ({duration(interval.low)} to {duration(interval.high)})"
    return f"{duration(found.p50 or 0.0)}{spread}"


def _rate(row: LevelRow) -> str:
    spread = row.requests_per_second_plus_minus
    return f"{row.requests_per_second or 0.0:,.1f}" + ("" if spread is None else f" ± {spread:.1f}")


def input_length(report: Report) -> InShort | None:
    """Of a Sweep, or else of the stage and task with the most lengths; None without lengths."""
    if not report.input_lines:
        return None
    line = min(report.input_lines, key=lambda one: (one.by is not InputBy.LENGTH, -len(_rows(one, report))))
    unit = "tokens" if line.by is InputBy.LENGTH else "characters"
    slow = [row.label for row in _rows(line, report) if row.slow is not None]
    marked = f"slow: {', '.join(slow)}" if slow else "no length is slow"
    found = line.interval
    if found is not None and found.low <= 0.0 <= found.high:
        text = f"The latency in '{line.stage}' shows no effect of the length of the input beyond noise " \
               f"({_rise(found.low, signed=True)} to {_rise(found.high, signed=True)} ms for each 1,000 {unit})"
    else:
        spread = "" if found is None else f" ({_rise(found.low)} to {_rise(found.high)})"
        text = f"Each 1,000 {unit} of input add {_rise(line.per_thousand)} ms{spread} to the latency in '{line.stage}'"
    return InShort(Question.INPUT_LENGTH, f"{text}; {marked}", Anchor.BY_INPUT)


def _rows(line: InputLine, report: Report) -> list[InputRow]:
    return [row for row in report.by_input if row.by is line.by and row.stage == line.stage
            and (line.task is None or row.task == line.task)]


def errors(report: Report) -> InShort | None:
    """Over the whole load; None for a run without requests."""
    total = next((row for row in reversed(report.load) if row.count and row.success is not None), None)
    if total is None or total.success is None:
        return None
    lost = total.count - total.success.hits
    if not lost and not report.errors_in_time:
        return InShort(Question.ERRORS, f"None of {plural(total.count, 'request')} was lost, so that the share is at "
                                        f"most {_share(100 - total.success.interval.low)} %", Anchor.ERRORS_IN_TIME)
    failed = sum(kind.count for kind in report.errors_in_time)
    early = sum(kind.early.hits for kind in report.errors_in_time if kind.early is not None)
    served = sum(kind.second_attempt.served for kind in report.errors_in_time)
    low, high = 100 - total.success.interval.high, 100 - total.success.interval.low
    share = f"{_share(100 - total.success.percent)} % ({_share(low)} to {_share(high)} %)"
    again = f"; a second attempt served {served:,}" if served else ""
    were = "was" if lost == 1 else "were"
    return InShort(
        Question.ERRORS, f"{lost:,} of {plural(total.count, 'request')} {were} lost, {share}; of {failed:,} failed "
                         f"first attempts {early:,} were due in the first {BEGIN_SECONDS:.0f} s of a stage{again}",
        Anchor.ERRORS_IN_TIME)


def _rise(milliseconds: float, *, signed: bool = False) -> str:
    """What a line rises by: a decimal only where it says something."""
    sign = "+" if signed else ""
    return format(milliseconds, f"{sign},.0f" if abs(milliseconds) >= 100 else f"{sign},.1f")


def _share(percent: float) -> str:
    """Two digits that count, and never an exponent: 0.099, 1.2, 12.6, 100."""
    return f"{percent:.2g}" if percent < 9.95 else f"{percent:.1f}".removesuffix(".0")
