"""The latencies of one run's requests, for a comparison of two single runs."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

from elastometer.model import request_measures
from elastometer.model.bundle import Bundle
from elastometer.model.measures import LATENCIES, PERCENTS, latency_name
from elastometer.model.request_table import table_of
from elastometer.model.units import MILLISECOND

_EXPRESSIONS = {
    "timeToFirstToken": request_measures.time_to_first_token, "latency": request_measures.latency,
    "timePerOutputToken": request_measures.time_per_output_token,
}


def samples_of(bundle: Bundle) -> Mapping[str, Sequence[float]]:
    """Milliseconds by measure, in order of the intended time; the percentiles of one latency share their values."""
    table = table_of(bundle.requests).sort("intended").select(
        **{key: _EXPRESSIONS[key]() / MILLISECOND for key in LATENCIES})
    columns: dict[str, list[float]] = {key: table[key].drop_nulls().to_list() for key in LATENCIES}
    return {latency_name(key, percent): columns[key] for key in LATENCIES for percent in PERCENTS}

