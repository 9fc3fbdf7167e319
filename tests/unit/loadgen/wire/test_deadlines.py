"""Nothing is overdue before its instant, and everything is soon after it, in virtual time."""

import asyncio

import pytest

from elastometer_loadgen.wire import deadlines
from elastometer_loadgen.wire.deadlines import TICK_SECONDS, Deadlines

pytestmark = pytest.mark.looptime


@pytest.fixture(autouse=True)
def _virtual_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "monotonic", lambda: asyncio.get_running_loop().time())


class Fired:
    """Who was overdue, and when."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.at: dict[str, float] = {}
        self.deadlines = Deadlines(self.tell)

    def tell(self, item: str) -> None:
        assert item not in self.at, "fired twice"
        self.at[item] = self.loop.time()


async def test_each_deadline_fires_once_never_early_and_at_most_two_ticks_late() -> None:
    fired = Fired()
    begin = fired.loop.time()
    due = {f"{number}": begin + number * 0.013 for number in range(400)}
    for item, at in due.items():
        fired.deadlines.watch(item, at)
    await asyncio.sleep(6)
    assert fired.at.keys() == due.keys()
    assert all(0 <= fired.at[item] - at <= 2 * TICK_SECONDS + 1e-6 for item, at in due.items())


async def test_a_cancelled_deadline_does_not_fire() -> None:
    fired = Fired()
    soon = fired.loop.time() + 1
    ticks = {item: fired.deadlines.watch(item, soon) for item in "abc"}
    fired.deadlines.forget("b", ticks["b"])
    await asyncio.sleep(2)
    assert fired.at.keys() == {"a", "c"}
    fired.deadlines.forget("a", ticks["a"])  # fired before: nothing is left to forget


async def test_a_past_instant_fires_at_the_next_tick() -> None:
    fired = Fired()
    fired.deadlines.watch("first", fired.loop.time() + 5)
    await asyncio.sleep(2)
    fired.deadlines.watch("late", fired.loop.time() - 1)
    await asyncio.sleep(3 * TICK_SECONDS)
    assert "late" in fired.at


async def test_it_starts_again_after_it_had_nothing_to_watch() -> None:
    fired = Fired()
    fired.deadlines.watch("a", fired.loop.time() + 0.1)
    await asyncio.sleep(5)
    fired.deadlines.watch("b", fired.loop.time() + 0.1)
    await asyncio.sleep(0.1 + 2 * TICK_SECONDS)
    assert fired.at.keys() == {"a", "b"}


async def test_an_item_may_be_watched_again_while_it_fires() -> None:
    fired: list[float] = []
    loop = asyncio.get_running_loop()

    def again(item: str) -> None:
        fired.append(loop.time())
        if len(fired) < 3:
            watch.watch(item, loop.time() + 1)

    watch = Deadlines(again)
    watch.watch("a", loop.time() + 1)
    await asyncio.sleep(5)
    assert len(fired) == 3
