"""The time in which a run can have left a record: whatever is stamped outside of it is a mistake of a clock or a file.

What is drawn and counted over time goes from the first record to the last, so that one stamp of another century would
make it endless.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median_low

from elastometer.model.bundle import Bundle, SeriesResult
from elastometer.model.document import number_at
from elastometer.model.request import RecordedRequest
from elastometer.model.units import SECOND, Instant

HOUR = 3600 * SECOND
# At most, a test waits three hours for the first replica and its metric, and settles for two after an answer of one.
MARGIN = 4 * HOUR
# How long the load may have lasted where neither spec nor plan is there to say.
UNKNOWN_LENGTH = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Window:
    """From `first` to `last`, both within."""

    first: Instant
    last: Instant

    def holds(self, *instants: Instant | None) -> bool:
        """Whether every one lies within; one that was not observed is nowhere else."""
        return all(one is None or self.first <= one <= self.last for one in instants)


def held_to_window(bundle: Bundle) -> Bundle:
    """The bundle without what is dated outside of its run; `outside_window` counts what was left out."""
    window = window_of(bundle)
    if window is None:
        return bundle
    observations = tuple(line for line in bundle.observations if window.holds(line.received))
    requests = tuple(record for record in bundle.requests if _is_within(record, window))
    series = tuple(_series_within(one, window) for one in bundle.series)
    outside = (len(bundle.observations) - len(observations) + len(bundle.requests) - len(requests)
               + _sample_count(bundle.series) - _sample_count(series))
    return replace(bundle, observations=observations, requests=requests, series=series,
                   outside_window=bundle.outside_window + outside)


def window_of(bundle: Bundle) -> Window | None:
    """Around the load as the spec has it, or around the longest that the plan gave it. Where its start is not known,
    around the middle record, which one stray record cannot move far; None for a bundle without any."""
    seconds = bundle.terms.load_seconds
    length = round((number_at(bundle.plan, "loadSeconds") or 0.0 if seconds is None else seconds) * SECOND)
    length = length or UNKNOWN_LENGTH
    if bundle.start is not None:
        return Window(bundle.start - MARGIN, bundle.start + length + MARGIN)
    instants = [record.intended for record in bundle.requests] or [line.received for line in bundle.observations]
    if not instants:
        return None
    middle = median_low(instants)
    return Window(middle - length - MARGIN, middle + length + MARGIN)


def _is_within(record: RecordedRequest, window: Window) -> bool:
    return window.holds(record.intended, record.send, record.connect, record.first_byte, record.first_token,
                        record.last_token, record.end)


def _series_within(result: SeriesResult, window: Window) -> SeriesResult:
    return replace(result, series=tuple(
        replace(one, samples=tuple(pair for pair in one.samples if window.holds(pair[0]))) for one in result.series
    ))


def _sample_count(results: tuple[SeriesResult, ...]) -> int:
    return sum(len(part.samples) for one in results for part in one.series)
