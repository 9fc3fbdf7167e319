"""The figures of a run and of a forecast by the names of measures, as comparisons and gates know them."""
from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from elastometer.model.measures import GPU_SECONDS, MISS_SECONDS, MONEY, REPLICA_SECONDS, latency_name
from elastometer.model.price import Price
from elastometer.model.report import Report
from elastometer.twin.advice.forecast import Forecast

FIRST_TOKEN_P95 = latency_name("timeToFirstToken", 95)
# What the twin predicts; replica-seconds stand for GPU-seconds where no GPUs are known.
PREDICTED = (MISS_SECONDS, GPU_SECONDS, REPLICA_SECONDS, MONEY, FIRST_TOKEN_P95)
_SECONDS_PER_HOUR = 3600


def measured_by_name(report: Report, miss_seconds: int | None) -> Mapping[str, float]:
    """What was measured; a measure that was not is absent."""
    price, wait = report.price, report.summary.time_to_first_token_p95_milliseconds
    found = {
        MISS_SECONDS: miss_seconds, FIRST_TOKEN_P95: wait,
        GPU_SECONDS: None if price is None else price.paid_gpu_seconds,
        REPLICA_SECONDS: None if price is None else price.paid_replica_seconds,
        MONEY: None if price is None or price.money.run.value is None else Decimal(price.money.run.value),
    }
    return {name: float(value) for name, value in found.items() if value is not None}


def drawn_by_name(forecast: Forecast, price: Price | None) -> Mapping[str, tuple[float, ...]]:
    """The draws of each measure that every draw has. A forecast's cost is in GPU-seconds if the GPUs of a replica are
    known."""
    has_gpus = price is not None and price.gpus_per_replica is not None
    costs = [one.cost for one in forecast.draws]
    draws: dict[str, list[float | None]] = {
        MISS_SECONDS: [one.miss_seconds for one in forecast.draws],
        GPU_SECONDS if has_gpus else REPLICA_SECONDS: [*costs],
        FIRST_TOKEN_P95: [one.first_token for one in forecast.draws],
    }
    if price is not None and has_gpus and price.money.per_gpu_hour is not None:
        rate = float(price.money.per_gpu_hour) / _SECONDS_PER_HOUR
        draws[MONEY] = [rate * cost for cost in costs]
    known = {name: tuple(float(value) for value in values if value is not None) for name, values in draws.items()}
    return {name: values for name, values in known.items() if len(values) == len(forecast.draws)}
