"""What a task of a search sees in its process; a module of its own, which other processes can import."""
from __future__ import annotations

import os
import threading

from elastometer.twin.search.score.searcher import Searcher

# Taken while a search runs, as a lock of another library's thread may be.
LOCK = threading.Lock()


def looked(searcher: Searcher, number: int) -> tuple[int, int, bool, float]:
    """(process, number, whether the lock of this module is taken there, the predicted cost)."""
    return os.getpid(), number, LOCK.locked(), searcher.evaluate(()).cards[0].cost
