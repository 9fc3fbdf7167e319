"""A finding from the streams: tokens that reached the client together instead of one after another."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import median

from elastometer.model.findings import FindingName, Severity
from elastometer.model.report import Finding
from elastometer.model.request import RecordedRequest
from elastometer.model.units import to_milliseconds
from elastometer_loadgen.base.measures import BUFFERED_TOKENS, is_buffered, latency, time_to_first_token
from elastometer_loadgen.base.record import Outcome

# Fewer than this may be due to the network or to a busy client; one Pod of ten behind a proxy is not.
SHARE = 0.1


def stream_findings(records: Sequence[RecordedRequest]) -> Iterator[Finding]:
    """No finding if no stream had several tokens."""
    streams = [record for record in records if record.outcome is Outcome.SUCCESS
               and max(record.chunks, record.completion_tokens or 0) >= BUFFERED_TOKENS]
    buffered = [record for record in streams if is_buffered(record)]
    if not buffered or len(buffered) < SHARE * len(streams):
        return
    whole = sum(record.first_token == record.last_token for record in buffered)
    yield Finding(
        FindingName.STREAM_BUFFERED, Severity.WARNING, "Tokens arrived together instead of one by one",
        f"{len(buffered)} of {len(streams)} streams of {BUFFERED_TOKENS} tokens or more arrived in one piece ({whole}) "
        f"or in a burst ({len(buffered) - whole}). The median of their times to first token is "
        f"{_median_milliseconds(buffered, time_to_first_token)}, and that of their latencies "
        f"{_median_milliseconds(buffered, latency)}",
        "A client behind the same path waits as long, but these times to first token are not the server's, and the "
        "times per output token of these streams are not known. Send a request straight to a Pod: if its tokens come "
        "one after another, a proxy or gateway buffers the response. Turn that off (nginx: `proxy_buffering off`), or "
        "compression, which has the same effect. If not, the server itself sends several tokens at once.")


def _median_milliseconds(
    records: Sequence[RecordedRequest], measure: Callable[[RecordedRequest], int | None],
) -> str:
    values = [value for record in records if (value := measure(record)) is not None]
    return f"{to_milliseconds(median(values)):.0f} ms"
