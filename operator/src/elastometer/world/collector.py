"""Python's collector of reference cycles, out of the way while a whole run is read.

It looks at every object that is alive again and again as their number grows, and a run is millions of objects of JSON,
which have no cycles: two thirds of the time of reading were spent on it.
"""
from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def left_alone() -> Iterator[None]:
    """What is made within is never looked at for cycles; it is still freed when nothing refers to it any more."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
