"""Levels side by side, with the limit that they recommend above them."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from elastometer.model.estimates import Interval
from elastometer.model.levels import LevelDifference, LevelRow, LostCount, RecommendedLimit
from elastometer.model.report import Report
from elastometer.model.story import Anchor
from elastometer.model.verdict import Verdict
from elastometer.render.tables.level_charts import level_charts
from elastometer.render.tables.table import Cell, Row, Table, TableSection
from elastometer.render.wording import estimates, numbers, resources
from elastometer.render.wording.levels import level_name

_CLIENTS = ("Level", "Stage", "Ready", "Requests", "Requests/s", "Mean", "P50", "P90", "P95", "P99", "TTFT P50",
            "TTFT P95", "Errors", "Lost by class and status", "Against the Baseline", "Objectives")
_SERVERS = ("Level", "Stage", "Tokens/s in", "Tokens/s out", "In flight", "By Little's law", "Waiting", "KV cache",
            "CPU", "Memory", "GPU memory", "Preemptions")
SOURCE = "each closed-loop stage and each step of a Knee, without its warm-up; intervals at 95 %"
_RATES = ("Requests/s and tokens/s are of what was served while the level lasted: a request that began before or ended "
          "after it counts by the share of its time within. Percentiles and errors are of the requests due within it.")


def levels(report: Report) -> TableSection | None:
    """What clients saw, then what servers did, each level a row."""
    if not report.levels:
        return None
    has_base = any(row.is_baseline for row in report.levels)
    clients = Table("levels-clients", _CLIENTS if has_base else tuple(one for one in _CLIENTS if "Baseline" not in one),
                    tuple(_client_row(row, has_base=has_base) for row in report.levels), "What clients saw",
                    frozenset({1, 13, 14, 15} if has_base else {1, 13, 14}), "levels")
    servers = Table("levels-servers", _SERVERS, tuple(map(_server_row, report.levels)), "What servers did",
                    frozenset({1}), "levels", tuple(_missing(report.levels)))
    remarks = (_RATES, *_doubt(report.levels))
    return TableSection(Anchor.LEVELS, "Levels", (clients, servers), SOURCE,
                        tuple(_sentences(report.recommended_limit, report.levels)), remarks,
                        charts=level_charts(report.levels))


def _client_row(row: LevelRow, *, has_base: bool) -> Row:
    latency, first = row.latency, row.time_to_first_token
    compared = (_difference(row.to_baseline),) if has_base else ()
    return Row((
        Cell(level_name(row)), Cell(row.stage), Cell(_ready(row)), Cell(numbers.number(row.requests)), _rate(row),
        Cell(*estimates.mean(latency)), Cell(*estimates.quantile(latency, "p50", latency.p50)),
        Cell(*estimates.quantile(latency, "p90", latency.p90)), Cell(*estimates.quantile(latency, "p95", latency.p95)),
        Cell(*estimates.quantile(latency, "p99", latency.p99)), Cell(*estimates.quantile(first, "p50", first.p50)),
        Cell(*estimates.quantile(first, "p95", first.p95)),
        Cell(*estimates.rate(row.errors, None if row.errors is None else row.errors.percent)),
        Cell(lost_words(row.lost)), *compared, Cell(row.verdict.value, _why(row))), is_bad=row.verdict is Verdict.FAIL)


def lost_words(lost: Sequence[LostCount]) -> str:
    """ServerError 503: 2, TimedOut: 1."""
    return ", ".join(f"{one.outcome}{'' if one.status is None else f' {one.status}'}: {one.count:,}"
                     for one in lost) or numbers.DASH


def _ready(row: LevelRow) -> str:
    low, high = row.ready_minimum, row.ready_maximum
    return numbers.number(high) if low == high else f"{numbers.number(low)}–{numbers.number(high)}"


def _rate(row: LevelRow) -> Cell:
    spread = row.requests_per_second_plus_minus
    return Cell(numbers.number(row.requests_per_second, 2), "" if spread is None else f"± {spread:.2f}")


def _difference(found: LevelDifference | None) -> Cell:
    if found is None or found.percent is None:
        return Cell(numbers.DASH)
    value, interval = found.latency_milliseconds.value, found.latency_milliseconds.interval
    return Cell(f"mean {found.percent:+.0f} %", _signed(value) if interval is None else
                f"{_signed(value)}, {_between(interval)}")


def _signed(milliseconds: float) -> str:
    return ("+" if milliseconds >= 0 else "−") + numbers.duration(abs(milliseconds))


def _between(found: Interval) -> str:
    return f"{_signed(found.low)} to {_signed(found.high)}"


def _why(row: LevelRow) -> str:
    """The names of the objectives that did not hold, and what the load generator says of a step."""
    names = [one.result.name for one in row.objectives if one.result.verdict is not Verdict.PASS]
    return "; ".join([*names, *filter(None, (row.failed, row.inconclusive))])


def _server_row(row: LevelRow) -> Row:
    law = row.in_flight
    expected = Cell(numbers.DASH) if law is None else Cell(
        numbers.number(law.expected, 1), "" if law.expected_percent is None else f"{law.expected_percent:+.1f} %",
        row.is_doubtful)
    return Row((
        Cell(level_name(row)), Cell(row.stage), Cell(numbers.number(row.input_tokens_per_second, 1)),
        Cell(numbers.number(row.output_tokens_per_second, 1)),
        Cell(numbers.number(None if law is None else law.recorded, 1)), expected,
        Cell(numbers.number(row.waiting, 1)), Cell(numbers.number(row.kv_cache_percent, 1, " %")),
        Cell(numbers.number(row.cpu_cores, 2, " cores")), _memory(row),
        Cell(_bytes(row.gpu_memory_bytes)), Cell(numbers.number(row.preemptions))))


def _memory(row: LevelRow) -> Cell:
    peak = row.memory.peak_bytes
    return Cell(_bytes(row.memory.mean_bytes), "" if peak is None else f"peak {_bytes(peak)}")


def _bytes(value: float | None) -> str:
    return numbers.DASH if value is None else resources.amount(value, "bytes")


def _missing(rows: Sequence[LevelRow]) -> Iterator[str]:
    """Each reason once, with what it explains."""
    names = {"cpu_cores": "CPU", "memory_bytes": "Memory", "gpu_memory_bytes": "GPU memory",
             "kv_cache_percent": "KV cache", "waiting": "Waiting", "preemptions": "Preemptions"}
    reasons: dict[str, dict[str, None]] = {}
    for row in rows:
        for field, reason in row.missing.items():
            if field in names:
                reasons.setdefault(reason, {})[names[field]] = None
    yield from (f"{', '.join(fields)}: {reason}" for reason, fields in reasons.items())


def _doubt(rows: Sequence[LevelRow]) -> Iterator[str]:
    if any(row.is_doubtful for row in rows):
        yield ("! Little's law is more than 5 % off: rate times mean time is not what was in flight, so the level was "
               "not steady, or requests of another stage were in flight with its own.")
        for row in rows:
            if row.is_doubtful and row.others_in_flight:
                others = ", ".join(f"{mean:.1f} of '{stage}'" for stage, mean in row.others_in_flight.items())
                yield f"! {level_name(row)} in '{row.stage}': beside its own, on average {others} were in flight."


def _sentences(limits: Sequence[RecommendedLimit], rows: Sequence[LevelRow]) -> Iterator[str]:
    for one in limits:
        yield one.text
        if one.soak is not None:
            yield _soak(rows[one.soak])
        if one.best_experience is not None:
            best = rows[one.best_experience]
            yield (f"Users are served best up to {level_name(best)}, the last level whose P95 "
                   f"({numbers.duration(best.latency.p95)}) is within 10 % of the Baseline's")


def _soak(row: LevelRow) -> str:
    used = [f"{numbers.number(row.cpu_cores, 2)} CPU cores" if row.cpu_cores is not None else "",
            f"{_bytes(row.memory.mean_bytes)} of memory" if row.memory.mean_bytes is not None else "",
            f"{_ready(row)} Ready", f"{row.errors.hits:,} of {row.errors.count:,} lost" if row.errors else ""]
    rate = _rate(row)
    return f"Held through the soak: {level_name(row).removesuffix(', soak')}, {rate.text} {rate.note} requests/s " \
           f"({', '.join(filter(None, used))})"
