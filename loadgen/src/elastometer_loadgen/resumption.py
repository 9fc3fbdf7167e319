"""Whether a worker can go on from what an earlier life of it left, and what it says of that."""

from elastometer_loadgen.conversations import Before
from elastometer_loadgen.journal import Journal
from elastometer_loadgen.profile import Profile
from elastometer_loadgen.progress import note
from elastometer_loadgen.spool import Spool


def may_begin(profile: Profile, spool: Spool, journal: Journal, before: Before, start: int) -> bool:
    """Opens the journal; False where nobody knows how to go on."""
    if spool.ids and journal.start is None and any(stage.is_open_ended for stage in profile.stages):
        note("cannot go on after a restart: nobody knows when the stages of an earlier life ended")
        return False
    try:
        journal.open(start, spool.last_end)
    except OSError as error:
        note(f"the journal could not be written: {error}")
        return False
    for gap in journal.interruptions[-1:]:
        since = f"; its last request was over at {gap['fromTime']}" if gap["fromTime"] else ", which recorded nothing"
        note(f"going on from an earlier life{since}")
    if before.cut:
        note(f"{before.cut} conversations were cut by the restart; {before.skipped_turns} turns of theirs are skipped")
    return True
