"""Pauses take no work away and add none; memory of streams is that of their recent peak, whatever the load does."""

import mmap
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elastometer_standin.settings import MemoryPlan
from elastometer_standin.troubles.memory import Memory
from elastometer_standin.troubles.pauses import Pauses

KIB_PER_PAGE = mmap.PAGESIZE / 1024


def worked(pauses: Pauses, until: float) -> float:
    """Seconds of work from 0 on: each period but the first begins with a pause."""
    period = floor(until / pauses.every_seconds)
    into = until - period * pauses.every_seconds
    done = period * pauses.every_seconds - max(period - 1, 0) * pauses.seconds
    return done + (into if period == 0 else max(0.0, into - pauses.seconds))


@given(
    every=st.integers(2, 200).map(lambda tenths: tenths / 10),
    share=st.integers(1, 9).map(lambda tenths: tenths / 10),
    start=st.floats(0, 500),
    work=st.floats(0.001, 100),
)
def test_work_takes_its_time_and_that_of_the_pauses_it_meets(
    every: float, share: float, start: float, work: float
) -> None:
    pauses = Pauses(seconds=share * every, every_seconds=every)
    end, met = pauses.end_of(start, work)
    assert worked(pauses, end) - worked(pauses, start) == pytest.approx(work, abs=1e-6)
    assert 0 <= met <= (end - start) / every + 1
    assert (met == 0) == (end - start == pytest.approx(work, abs=1e-9))


@settings(max_examples=100, deadline=None)
@given(streams=st.lists(st.integers(0, 8), max_size=40), keep=st.integers(0, 6))
def test_memory_is_that_of_the_most_streams_within_the_return_time(streams: list[int], keep: int) -> None:
    """Each number of streams holds for one second."""
    memory = Memory(MemoryPlan(kibibytes_per_stream=KIB_PER_PAGE, return_seconds=keep))
    for now, count in enumerate(streams):
        memory.follow(count, float(now))
        assert memory.allocated_bytes == mmap.PAGESIZE * max(streams[max(0, now - keep) : now + 1])
