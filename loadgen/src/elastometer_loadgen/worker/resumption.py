"""Whether a worker can continue from what an earlier incarnation left, and what it logs about that."""

from elastometer_loadgen.base.clock import Clock, monotonic
from elastometer_loadgen.base.notes import note
from elastometer_loadgen.drive.conversations import UnfinishedConversations
from elastometer_loadgen.journal.journal import Journal, JournalError
from elastometer_loadgen.journal.spool import Spool
from elastometer_loadgen.profile.profile import Profile

# The common start is fixed when all workers are ready, so a worker that starts for the first time is never this late.
MAX_START_AGE_SECONDS = 30.0


def begin_or_resume(
    profile: Profile, spool: Spool, journal: Journal, before: UnfinishedConversations, *, start: int, clock: Clock
) -> bool:
    """Opens the journal; False where it is not known how to continue. `start` is in microseconds since 1970."""
    lost = _what_is_lost(spool, journal, monotonic() - clock.monotonic_of(start))
    if lost is not None and profile.is_open_ended:
        note(f"cannot continue after a restart: {lost}")
        return False
    try:
        journal.open(start, spool.last_end)
    except (OSError, JournalError) as error:
        note(f"the journal could not be opened: {error}")
        return False
    for gap in journal.interruptions[-1:]:
        since = f"; its last request ended at {gap['fromTime']}" if gap["fromTime"] else ", which recorded nothing"
        note(f"continuing from an earlier incarnation{since}")
    if before.cut:
        note(f"the restart cut {before.cut} conversations; their {before.skipped_turns} further turns are skipped")
    return True


def _what_is_lost(spool: Spool, journal: Journal, seconds_ago: float) -> str | None:
    """What an earlier incarnation must have known about open-ended stages, and left no trace of; None if nothing."""
    if journal.start is not None:
        return None
    if spool.ids:
        return "it is not known when the stages of an earlier incarnation ended"
    if seconds_ago > MAX_START_AGE_SECONDS:
        found = f"the load began {seconds_ago:.0f} s ago, and there is no record or journal of it here"
        return f"{found}, so it is not known what was sent"
    return None
