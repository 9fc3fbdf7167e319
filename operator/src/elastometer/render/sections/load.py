"""The load by stage, in Markdown."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from elastometer.model.measurements import LoadRow
from elastometer.render.wording import numbers
from elastometer.render.wording.tables import code, section


def markdown(rows: Sequence[LoadRow]) -> Iterator[str]:
    """The section: a row for each stage, and the total."""
    again = numbers.was_sent_again(rows)
    yield from section(
        "Load by stage", ["Stage", "Requests", "Success", *(["At the first attempt", "Sent again"] if again else []),
                          "TTFT p50 / p95 / p99", "TPOT p50 / p95", "Latency p50 / p95 / p99", "From send", "Tokens/s",
                          "Not served"],
        ([code(row.stage), numbers.number(row.count), numbers.number(row.success_percent, 2, " %"),
          *([numbers.number(row.first_attempt_success_percent, 2, " %"), numbers.number(row.sent_again)] if again else
            []),
          _three(row.time_to_first_token.p50, row.time_to_first_token.p95, row.time_to_first_token.p99),
          _three(row.time_per_output_token.p50, row.time_per_output_token.p95),
          _three(row.latency.p50, row.latency.p95, row.latency.p99),
          _three(row.latency_from_send.p50, row.latency_from_send.p95, row.latency_from_send.p99),
          numbers.number(row.output_tokens_per_second, 1),
          numbers.counts({name: count for name, count in row.outcomes.items() if name != "Success"})]
         for row in rows))


def _three(*values: float | None) -> str:
    return " / ".join(numbers.duration(value) for value in values)
