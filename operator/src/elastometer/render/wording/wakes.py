"""A wake from zero as text: one place for HTML and Markdown."""
from __future__ import annotations

from elastometer.model.measurements import Stamp
from elastometer.model.wake import WAKE_LABELS, Wake
from elastometer.render.wording import numbers

HEAD = ("Instant", "At", "After the one before", "Source")


def title(wake: Wake) -> str:
    """Wake 1, or that there was none."""
    return f"Wake {wake.number}" if wake.scale_event is not None else "Zero replicas, never woken"


def rows(wake: Wake) -> list[tuple[str, str, str, str]]:
    """In the order of HEAD; what was not seen states the reason in place of a source."""
    found: list[tuple[str, str, str, str]] = []
    before: Stamp | None = None
    for one in wake.instants:
        label, stamp = WAKE_LABELS[one.name], one.stamp
        if stamp is None:
            found.append((label, numbers.DASH, numbers.DASH, one.reason or numbers.DASH))
            continue
        since = numbers.DASH if before is None else numbers.duration(round(1000 * (stamp.seconds - before.seconds), 1))
        found.append((label, numbers.instant(stamp.seconds), since, _source(stamp)))
        before = stamp
    return found


def _source(stamp: Stamp) -> str:
    resolution = stamp.resolution_milliseconds
    return stamp.source.value + ("" if resolution is None else f", ± {numbers.duration(resolution)}")


def sentence(wake: Wake) -> str:
    """How long it took, and what became of the requests meanwhile."""
    woke = f"From the first request to the first token: {numbers.figure(wake.whole)}."
    if not wake.request_count:
        return woke
    until = "until a replica served" if wake.served_seconds is not None else "until the end of the record"
    return f"{woke} Requests {until}: {numbers.number(wake.request_count)} ({wake.fate_words})."
