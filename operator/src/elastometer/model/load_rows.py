"""What clients experienced in one stage, with one task, or in all: counts, latencies, and a check of the row itself.

Every interval is at 95 %. What was not measured is None.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from elastometer.model.estimates import Interval, Rate


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Milliseconds by nearest rank, so that each is a value that was observed; `count` is the number of values.

    `intervals` has each percentile under its name, None where there are too few values; `needs` then says how many it
    takes. The mean has its half-width by blocks of time, None for fewer than 20 values.
    """

    count: int
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    maximum: float | None = None
    p90: float | None = None
    mean: float | None = None
    mean_plus_minus: float | None = None
    intervals: Mapping[str, Interval | None] = field(default_factory=dict)
    needs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LittlesLaw:
    """Requests in flight on average while the row lasted, in three ways that must agree.

    `expected` is what Little's law says: the requests of the row per second, times their mean time from send to end.
    `recorded` counts the requests between send and end in that time, those of the row's task. `scraped` is what the
    servers' own metrics had waiting and running, None for a single task, and where there are fewer than 5 scrapes.

    `expected_percent` and `scraped_percent` say how far those are from `recorded`. If it is far from what is expected,
    the row's times are partly those of another stage, into which its requests ran, or which ran into it. If the servers
    had fewer, requests were in the network or a gateway; in either direction, one side did not count some of them.
    """

    expected: float | None
    recorded: float | None
    scraped: float | None
    samples: int
    expected_percent: float | None
    scraped_percent: float | None


@dataclass(frozen=True, slots=True)
class LoadRow:
    """One stage, or all of them; of one task, or of all tasks (None). Percentiles are of requests that got that far.

    `sent_again` counts requests that took more than one attempt; `success_percent` counts the last attempt of each,
    `first_attempt_success_percent` the first, both truncated to 0.01 %. `success` is the former with its interval.
    `statuses` and `finish_reasons` count requests by what the server answered; without an answer they are `none`.
    """

    stage: str
    count: int
    success_percent: float | None
    first_attempt_success_percent: float | None
    sent_again: int
    outcomes: Mapping[str, int]
    time_to_first_token: Quantiles
    time_per_output_token: Quantiles
    latency: Quantiles
    latency_from_send: Quantiles
    output_tokens_per_second: float | None
    task: str | None = None
    success: Rate | None = None
    statuses: Mapping[str, int] = field(default_factory=dict)
    finish_reasons: Mapping[str, int] = field(default_factory=dict)
    in_flight: LittlesLaw | None = None
