"""What remains known of an instant that fell into a watch gap: it is bounded by what was seen around it.

The watch showed nothing new until the gap began, and the first line after the gap shows the state that it left. So what
that line shows for the first time began in between; a time of the API's own narrows that down to its second. A killed
operator wrote lines after its last heartbeat, with which its gap begins: those are as exact as any.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

from elastometer.analysis.evidence.evidence import API_RESOLUTION, Evidence, is_state_only
from elastometer.model.observation import RESTARTED, ObjectSeen, WatchGap
from elastometer.model.units import SECOND, Instant

# After a stall the operator reads the lines that waited for it, and stamps them a little after the end of the gap.
CATCH_UP = SECOND // 4


@dataclass(frozen=True, slots=True)
class Window:
    """An instant lies between these two; `earliest` is None where nothing earlier was seen. `gap` is the one that it
    fell into, if one is recorded: a list alone shows a state as well."""

    earliest: Instant | None
    latest: Instant
    gap: WatchGap | None = None


def gap_at(instant: Instant, resource: str, evidence: Evidence) -> WatchGap | None:
    """The gap of the resource around an instant; gaps that follow each other at once count as one."""
    found: WatchGap | None = None
    for gap in reversed(evidence.gaps):
        if gap.resource not in ("*", resource):
            continue
        if found is None and gap.start <= instant <= gap.end + CATCH_UP:
            found = gap
        elif found is not None and gap.end + CATCH_UP >= found.start:
            found = replace(found, start=min(found.start, gap.start),
                            reason=found.reason if found.reason == gap.reason else "several gaps in a row")
    return found


def unwatched(
    seen: ObjectSeen, before: ObjectSeen | None, resource: str, evidence: Evidence,
) -> Window | None:
    """When that began which `seen` is the first line to show, and `before` the last one not to; None if the line came
    when it happened. By the operator's clock."""
    gap = gap_at(seen.received, resource, evidence)
    if not is_state_only(seen) and (gap is None or gap.reason == RESTARTED):
        return None
    # Lines of one list have one receipt: that of an earlier one says nothing of when this state began.
    live = None if before is None or is_state_only(before) else before.received
    if gap is None:
        return Window(live, seen.received)
    since = gap.start if live is None or gap.reason != RESTARTED else max(gap.start, live)
    return Window(min(since, seen.received), seen.received, gap)


def within_second(stated: Instant, window: Window) -> Window:
    """The same where the API states the whole second of the instant, by its own clock."""
    return replace(window, earliest=stated, latest=stated + API_RESOLUTION)


def gap_words(gap: WatchGap) -> str:
    """How long nothing was watched, of what."""
    what = "nothing was" if gap.resource == "*" else f"{gap.resource} were not"
    return f"{what} watched for {(gap.end - gap.start) / SECOND:.1f} s"
