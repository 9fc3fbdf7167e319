"""Makes sure that one command at a time changes the host's lab, whichever clone of the repository it comes from."""
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
    """Hold the host's lock, after waiting for another command to end.

    flock(2) and not a pid file: the kernel releases the lock of a process that was killed.
    """
    with LOCK.open("a+") as handle:  # "a+" does not truncate: the file names the process that has the lock
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
    """Record this lab's state directory; refuse if the host's lab belongs to another one."""
    note = paths.run / "state-directory"
    if note.exists() and note.read_text() != str(paths.state):
        raise LabError(f"This host's lab has its state in {note.read_text()}, not in {paths.state}: "
                       f"set ELASTOMETER_LAB_STATE={note.read_text()}, or run `down` with that set first.")
    paths.run.mkdir(parents=True, exist_ok=True)
    note.write_text(str(paths.state))
