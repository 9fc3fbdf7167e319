"""Nothing is overdue before its instant, and everything is soon after it, in virtual time."""

import asyncio

import pytest

from elastometer_loadgen.wire import deadlines
from elastometer_loadgen.wire.deadlines import TICK_SECONDS, Deadlines

pytestmark = pytest.mark.looptime


@pytest.fixture(autouse=True)
def _virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "monotonic", lambda: asyncio.get_running_loop().time())


class Told:
    """Who was overdue, and when."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.at: dict[str, float] = {}
        self.deadlines = Deadlines(self.tell)

    def tell(self, item: str) -> None:
        assert item not in self.at, "told twice"
        self.at[item] = self.loop.time()


async def test_each_deadline_fires_once_never_early_and_at_most_two_ticks_late() -> None:
    told = Told()
    begin = told.loop.time()
    due = {f"{number}": begin + number * 0.013 for number in range(400)}
    for item, at in due.items():
        told.deadlines.watch(item, at)
    await asyncio.sleep(6)
    assert told.at.keys() == due.keys()
    assert all(0 <= told.at[item] - at <= 2 * TICK_SECONDS + 1e-6 for item, at in due.items())


async def test_a_cancelled_deadline_does_not_fire() -> None:
    told = Told()
    soon = told.loop.time() + 1
    ticks = {item: told.deadlines.watch(item, soon) for item in "abc"}
    told.deadlines.forget("b", ticks["b"])
    await asyncio.sleep(2)
    assert told.at.keys() == {"a", "c"}
    told.deadlines.forget("a", ticks["a"])  # told before: nothing is left to forget


async def test_a_past_instant_fires_at_the_next_tick() -> None:
    told = Told()
    told.deadlines.watch("first", told.loop.time() + 5)
    await asyncio.sleep(2)
    told.deadlines.watch("late", told.loop.time() - 1)
    await asyncio.sleep(3 * TICK_SECONDS)
    assert "late" in told.at


async def test_it_starts_again_after_it_had_nothing_to_watch() -> None:
    told = Told()
    told.deadlines.watch("a", told.loop.time() + 0.1)
    await asyncio.sleep(5)
    told.deadlines.watch("b", told.loop.time() + 0.1)
    await asyncio.sleep(0.1 + 2 * TICK_SECONDS)
    assert told.at.keys() == {"a", "b"}


async def test_an_item_may_be_watched_again_while_it_fires() -> None:
    told: list[float] = []
    loop = asyncio.get_running_loop()

    def again(item: str) -> None:
        told.append(loop.time())
        if len(told) < 3:
            watch.watch(item, loop.time() + 1)

    watch = Deadlines(again)
    watch.watch("a", loop.time() + 1)
    await asyncio.sleep(5)
    assert len(told) == 3
