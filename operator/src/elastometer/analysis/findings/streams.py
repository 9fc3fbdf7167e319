"""A finding from the streams: tokens that reached the client together instead of one after another."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from elastometer.model import request_measures
from elastometer.model.findings import FindingName, Severity
from elastometer.model.in_words import plural
from elastometer.model.report import Finding
from elastometer.model.request import RecordedRequest
from elastometer.model.request_table import table_of
from elastometer.model.units import to_milliseconds
from elastometer_loadgen.base.measures import BUFFERED_TOKENS

# Fewer than this may be due to the network or to a busy client; one Pod of ten behind a proxy is not.
SHARE = 0.1


def stream_findings(records: Sequence[RecordedRequest]) -> Iterator[Finding]:
    """No finding if no stream had several tokens."""
    table = table_of(records)
    streams = int(table.select(request_measures.is_stream().sum()).item())
    buffered = table.filter(request_measures.is_buffered())
    if not len(buffered) or len(buffered) < SHARE * streams:
        return
    whole = int((buffered["first_token"] == buffered["last_token"]).sum())
    yield Finding(
        FindingName.STREAM_BUFFERED, Severity.WARNING, "Tokens arrived together instead of one by one",
        f"{len(buffered)} of {plural(streams, 'stream')} of {BUFFERED_TOKENS} tokens or more arrived in one piece "
        f"({whole}) or in a burst ({len(buffered) - whole}). The median of their times to first token is "
        f"{_median_milliseconds(buffered, request_measures.time_to_first_token())}, and that of their latencies "
        f"{_median_milliseconds(buffered, request_measures.latency())}",
        "A client behind the same path waits as long, but these times to first token are not the server's, and the "
        "times per output token of these streams are not known. Send a request straight to a Pod: if its tokens come "
        "one after another, a proxy or gateway buffers the response. Turn that off (nginx: `proxy_buffering off`), or "
        "compression, which has the same effect. If not, the server itself sends several tokens at once.")


def _median_milliseconds(table: pl.DataFrame, measure: pl.Expr) -> str:
    return f"{to_milliseconds(float(table.select(measure.median()).item())):.0f} ms"
