"""Whether a worker can go on from what an earlier life of it left, and what it says of that."""

from elastometer_loadgen.base.clock import Clock, monotonic
from elastometer_loadgen.base.notes import note
from elastometer_loadgen.drive.conversations import Before
from elastometer_loadgen.journal.journal import Journal, JournalError
from elastometer_loadgen.journal.spool import Spool
from elastometer_loadgen.profile.profile import Profile

# The common start is fixed when all workers are there: the first life of one is never so late.
LATEST_SECONDS = 30.0


def may_begin(
    profile: Profile, spool: Spool, journal: Journal, before: Before, *, start: int, clock: Clock
) -> bool:  # fmt: skip
    """Opens the journal; False where nobody knows how to go on. `start` in microseconds since 1970."""
    lost = _what_is_lost(spool, journal, monotonic() - clock.monotonic_of(start))
    if lost is not None and profile.is_open_ended:
        note(f"cannot go on after a restart: {lost}")
        return False
    try:
        journal.open(start, spool.last_end)
    except (OSError, JournalError) as error:
        note(f"the journal could not be opened: {error}")
        return False
    for gap in journal.interruptions[-1:]:
        since = f"; its last request was over at {gap['fromTime']}" if gap["fromTime"] else ", which recorded nothing"
        note(f"going on from an earlier life{since}")
    if before.cut:
        note(f"{before.cut} conversations were cut by the restart; {before.skipped_turns} turns of theirs are skipped")
    return True


def _what_is_lost(spool: Spool, journal: Journal, seconds_ago: float) -> str | None:
    """What an earlier life must have known of stages whose end nobody knows beforehand, and left no word of."""
    if journal.start is not None:
        return None
    if spool.ids:
        return "nobody knows when the stages of an earlier life ended"
    if seconds_ago > LATEST_SECONDS:
        told = f"the load began {seconds_ago:.0f} s ago, and no record or journal of it is here"
        return f"{told}: nobody knows what of its stages was sent"
    return None
