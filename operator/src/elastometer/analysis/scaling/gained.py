"""Whether a scale-out brought something: by the intervals of its differences, and by whether replicas were missing."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor

import polars as pl

from elastometer.analysis.scaling.ended import EndedRequests
from elastometer.analysis.scaling.gain_windows import WINDOW_SECONDS, Windows
from elastometer.model.scaleout_gains import BeforeAfter, Gain, ScaleOutGain

# Of what replicas in proportion would add: if even the upper end of the interval is below this share, nothing came.
SHARE_OF_PROPORTION = 0.5
# Answers that come sooner by less than this share of the mean are no gain that replicas are paid for.
SHARE_OF_LATENCY = 0.25
# Requests that wait, on average, and how much slower than at their fastest answers are where replicas are missing.
WAITING, SLOWER = 1.0, 1.5
FEWEST_REQUESTS = 10
NO_OBJECTIVE = "no objective is on requests"


@dataclass(frozen=True, slots=True)
class Need:
    """What shows that replicas were missing before a scale-out; `lowest` is the lowest mean latency of the run."""

    window: tuple[float, float]
    missed: set[int] | None
    waiting: float | None
    lowest: float | None
    mean: float | None

    def in_words(self) -> str | None:
        """All that shows it; None where nothing does."""
        return "; ".join(self._signs()) or None

    def _signs(self) -> Iterator[str]:
        start, end = self.window
        whole = range(ceil(start), floor(end))
        bad = sum(1 for second in whole if second in (self.missed or ()))
        if bad:
            yield f"objectives were missed in {bad} of {len(whole)} s"
        if self.waiting is not None and self.waiting >= WAITING:
            yield f"{self.waiting:.1f} requests waited on average"
        if self.mean is not None and self.lowest and self.mean >= SLOWER * self.lowest:
            yield f"the mean latency was {self.mean / self.lowest:.1f} times the lowest of the run"


def lowest_mean(ended: EndedRequests) -> float | None:
    """The lowest mean latency of a window's length, in milliseconds; None without so many requests in any."""
    means = ended.frame.filter("served").group_by((pl.col("seconds") // WINDOW_SECONDS).alias("window")).agg(
        pl.len().alias("count"), pl.col("milliseconds").mean().alias("mean"))
    found = means.filter(pl.col("count") >= FEWEST_REQUESTS)["mean"].min()
    return float(found) if isinstance(found, int | float) else None


def gain_of(found: ScaleOutGain, windows: Windows) -> Gain:
    """A gain is one beyond noise that the load alone does not explain. Nothing was gained where replicas were missing,
    and the intervals leave no room for what they could have brought; another stage leaves that open."""
    if _more(found, windows) or _sooner(found, windows):
        return Gain.GAINED
    is_open = windows.load_changed or found.was_needed is None
    return Gain.CANNOT_TELL if is_open or not (_no_more(found) and _no_sooner(found)) else Gain.NOTHING


def _more(found: ScaleOutGain, windows: Windows) -> bool:
    """Where the load rose, more is served anyway, unless the replicas before it were already short."""
    is_same = not (windows.load_rose or windows.load_changed)
    return _sign(found.rate) > 0 and (is_same or found.was_needed is not None)


def _sooner(found: ScaleOutGain, windows: Windows) -> bool:
    """Where the load fell, answers come sooner anyway."""
    return _sign(found.mean_milliseconds) < 0 and _sign(found.rate) >= 0 and not windows.load_changed


def _sign(one: BeforeAfter) -> int:
    """1 or -1 for a difference beyond noise, 0 within it."""
    found = one.difference
    return 0 if found is None or not found.is_beyond_noise else 1 if found.value > 0 else -1


def _no_more(found: ScaleOutGain) -> bool:
    difference, before = found.rate.difference, found.rate.before
    if difference is None or difference.interval is None or not before:
        return False
    proportional = before * (found.to_replicas / max(1, found.from_replicas) - 1)
    return difference.interval.high < SHARE_OF_PROPORTION * proportional


def _no_sooner(found: ScaleOutGain) -> bool:
    difference, before = found.mean_milliseconds.difference, found.mean_milliseconds.before
    if difference is None or difference.interval is None or not before:
        return False
    return difference.interval.low > -SHARE_OF_LATENCY * before


def held_again(missed: set[int] | None, decided: float, load_end: float) -> tuple[float | None, str | None]:
    """(seconds from the decision until no objective was missed for a window's length, why there are none)."""
    if missed is None:
        return None, NO_OBJECTIVE
    length = ceil(WINDOW_SECONDS)
    if not any(second in missed for second in range(floor(decided) - length, floor(decided) + length)):
        return None, f"no objective was missed within {length} s of the decision"
    starts = [decided, *(float(second + 1) for second in sorted(missed) if second + 1 > decided)]
    for start in starts:
        if start + WINDOW_SECONDS > load_end:
            break
        if not any(second in missed for second in range(floor(start), ceil(start + WINDOW_SECONDS))):
            return round(start - decided, 1), None
    return None, "objectives were missed until the load ended"
