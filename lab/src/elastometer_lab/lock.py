"""One command at a time changes the lab of a host, whichever clone it comes from."""
from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from elastometer_lab.errors import LabError
from elastometer_lab.paths import LOCK, Paths
from elastometer_lab.progress import Progress


@contextmanager
def exclusive(progress: Progress) -> Iterator[None]:
    """Waits for another command to end and says so; the kernel frees the lock of one that was killed."""
    with LOCK.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            progress.say(f"waiting for another lab command (pid {handle.read().strip() or 'unknown'}) to end")
            fcntl.flock(handle, fcntl.LOCK_EX)
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def claim(paths: Paths) -> None:
    """Notes whose lab this is; refuses where another state directory has the host's lab."""
    note = paths.run / "state-directory"
    if note.exists() and note.read_text() != str(paths.state):
        raise LabError(f"This host's lab has its state in {note.read_text()}, not in {paths.state}: "
                       f"set ELASTOMETER_LAB_STATE={note.read_text()}, or run `down` with that set first.")
    paths.run.mkdir(parents=True, exist_ok=True)
    note.write_text(str(paths.state))
