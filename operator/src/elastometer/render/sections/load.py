"""The load by stage and by task: what was sent and answered, and how long it took. Rows for HTML and Markdown alike."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from elastometer.model.load_rows import LittlesLaw, LoadRow, Quantiles
from elastometer.render.tables.table import Cell, cell_text
from elastometer.render.wording import estimates, numbers
from elastometer.render.wording.tables import code, prose, section
from elastometer_loadgen.base.record import Outcome

# Beyond these, a row's requests are not those that were in flight in its time; or client and servers disagree, of whom
# the latter are seen at a few instants only.
DOUBTFUL_PERCENT, APART_PERCENT = 5.0, 10.0
COUNTS_HEAD = ("Stage", "Requests", "Success", "Tokens/s", "In flight", "By Little's law", "By the servers",
               "Status", "Finish reason", "Not served")
TIMES_HEAD = ("Stage", "n", "Mean", "p50", "p90", "p95", "p99", "Longest")
MEASURES = ("Time to first token", "Time per output token", "Latency", "Latency from send")


def counts(row: LoadRow, *, again: bool) -> list[Cell]:
    """The cells of COUNTS_HEAD after the first; `again`: some request of the table was sent more than once."""
    success, interval = estimates.rate(row.success, row.success_percent)
    first = f"{numbers.number(row.first_attempt_success_percent, 2, ' %')} at the first attempt, " \
            f"{numbers.number(row.sent_again)} sent again" if again and row.count else ""
    return [
        Cell(numbers.number(row.count)), Cell(success, "; ".join(filter(None, (interval, first)))),
        Cell(numbers.number(row.output_tokens_per_second, 1)), *_in_flight(row.in_flight),
        Cell(_each(row.statuses)), Cell(_each(row.finish_reasons)),
        Cell(_each({name: count for name, count in row.outcomes.items() if name != Outcome.SUCCESS.value})),
    ]


def _each(found: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {count:,}" for name, count in found.items()) or numbers.DASH


def _in_flight(found: LittlesLaw | None) -> list[Cell]:
    if found is None:
        return [Cell(numbers.DASH)] * 3
    return [Cell(numbers.number(found.recorded, 1)), _beside(found.expected, found.expected_percent, DOUBTFUL_PERCENT),
            _beside(found.scraped, found.scraped_percent, APART_PERCENT)]


def _beside(value: float | None, percent: float | None, doubtful: float) -> Cell:
    """A number with how far it is from the recorded one."""
    if percent is None:
        return Cell(numbers.number(value, 1))
    words = f"{percent:+.0f} %" if abs(percent) >= 0.5 else "0 %"
    return Cell(numbers.number(value, 1), words, abs(percent) > doubtful)


def times(of: Quantiles) -> list[Cell]:
    """The cells of TIMES_HEAD after the first."""
    return [
        Cell(numbers.number(of.count)), Cell(*estimates.mean(of)), Cell(*estimates.quantile(of, "p50", of.p50)),
        Cell(*estimates.quantile(of, "p90", of.p90)), Cell(*estimates.quantile(of, "p95", of.p95)),
        Cell(*estimates.quantile(of, "p99", of.p99)), Cell(numbers.duration(of.maximum)),
    ]


def measures(row: LoadRow) -> tuple[Quantiles, ...]:
    """In the order of MEASURES."""
    return row.time_to_first_token, row.time_per_output_token, row.latency, row.latency_from_send


def remarks(rows: Sequence[LoadRow]) -> Iterator[str]:
    """What a marked cell means; nothing where none is marked."""
    laws = [row.in_flight for row in rows if row.in_flight is not None]
    if any(abs(law.expected_percent or 0.0) > DOUBTFUL_PERCENT for law in laws):
        yield (f"! Little's law is more than {DOUBTFUL_PERCENT:.0f} % off: requests of this stage ran on into the "
               "next, or others ran into it, so its times are partly those of another load.")
    if any(abs(law.scraped_percent or 0.0) > APART_PERCENT for law in laws):
        yield (f"! Client and servers are more than {APART_PERCENT:.0f} % apart: requests spent time in the network "
               "or a gateway, or one side did not count some of them.")


def markdown(rows: Sequence[LoadRow], by_task: Sequence[LoadRow]) -> Iterator[str]:
    """The sections: counts and times for each stage and the total, then the same by task."""
    yield from _tables(rows, "Load by stage", "")
    for remark in remarks(rows):
        yield from ("", prose(remark))
    yield from _tables(by_task, "Load by task", " by task")


def _tables(rows: Sequence[LoadRow], title: str, by: str) -> Iterator[str]:
    again = numbers.was_sent_again(rows)
    yield from section(title, COUNTS_HEAD, ([_name(row), *map(_text, counts(row, again=again))] for row in rows))
    for number, name in enumerate(MEASURES):
        yield from section(f"{name}{by}", TIMES_HEAD, (
            [_name(row), *map(_text, times(measures(row)[number]))] for row in rows))
    if rows:
        yield from ("", prose(f"Percentiles by nearest rank; {estimates.SOURCE}."))


def _name(row: LoadRow) -> str:
    return code(row.stage) + ("" if row.task is None else f" {code(row.task)}")


def _text(cell: Cell) -> str:
    return prose(cell_text(cell))
