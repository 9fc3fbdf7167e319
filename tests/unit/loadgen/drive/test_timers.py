"""Calls come at their instants, in their order, and never early: by the kernel's timer, and by the loop's own."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest
import uvloop

from elastometer_loadgen.base.clock import monotonic
from elastometer_loadgen.drive import timers as module
from elastometer_loadgen.drive.timers import KernelTimer, LoopTimer, Timers

Play = Callable[[], Coroutine[None, None, None]]


def on_uvloop(play: Play) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(play())


def on_asyncio(play: Play) -> None:
    with asyncio.Runner() as runner:
        runner.run(play())


@pytest.mark.parametrize("run", [on_uvloop, on_asyncio])
def test_timer_calls_come_once_in_order_and_never_early(run: Callable[[Play], None]) -> None:
    called: list[tuple[int, float]] = []

    async def play() -> None:
        timers, begin = Timers(asyncio.get_running_loop()), monotonic()
        over = asyncio.Event()
        dues = [begin + number % 7 * 0.003 + 0.0004 for number in range(21)]
        for number, due in enumerate(dues):
            timers.call_at(due, lambda number=number, due=due: called.append((number, monotonic() - due)))
        timers.call_at(begin + 0.025, over.set)
        await asyncio.wait_for(over.wait(), 10)
        assert [number for number, _ in called] == sorted(range(21), key=lambda number: (dues[number], number))
        assert min(late for _, late in called) >= 0
        timers.close()

    run(play)
    assert len(called) == 21


@pytest.mark.parametrize("run", [on_uvloop, on_asyncio])
def test_a_past_instant_comes_at_once_but_not_within_the_call(run: Callable[[Play], None]) -> None:
    async def play() -> None:
        timers, over = Timers(asyncio.get_running_loop()), asyncio.Event()
        timers.call_at(monotonic() - 5, over.set)
        assert not over.is_set()
        await asyncio.wait_for(over.wait(), 10)
        timers.close()

    run(play)


@pytest.mark.parametrize("run", [on_uvloop, on_asyncio])
def test_what_a_call_sets_comes_too_and_what_it_cancels_does_not(run: Callable[[Play], None]) -> None:
    async def play() -> None:
        timers, over, begin = Timers(asyncio.get_running_loop()), asyncio.Event(), monotonic()
        called: list[str] = []
        later = timers.call_at(begin + 0.004, called.append, "cancelled")

        def first() -> None:
            called.append("first")
            later.cancel()
            timers.call_at(begin + 0.006, over.set)
            timers.call_at(begin + 0.003, called.append, "sooner")

        timers.call_at(begin + 0.002, first)
        await asyncio.wait_for(over.wait(), 10)
        assert called == ["first", "sooner"]
        timers.close()

    run(play)


def test_after_the_close_nothing_comes_and_no_descriptor_is_left() -> None:
    async def play() -> None:
        loop = asyncio.get_running_loop()
        timers = Timers(loop)
        timers.call_at(monotonic() + 0.001, pytest.fail, "it came")
        timers.close()
        timers.close()
        await asyncio.sleep(0.01)

    on_uvloop(play)


def test_uvloop_is_woken_by_the_kernel_and_other_loops_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds: list[type] = []

    async def play() -> None:
        timers = Timers(asyncio.get_running_loop())
        kinds.append(type(timers._wakeup))
        timers.close()

    on_uvloop(play)
    on_asyncio(play)

    def refuse(*_: object) -> None:
        raise OSError("no timerfd here")

    monkeypatch.setattr(module, "KernelTimer", refuse)
    on_uvloop(play)
    assert kinds == [KernelTimer, LoopTimer, LoopTimer]


@pytest.mark.parametrize("run", [on_uvloop, on_asyncio])
def test_an_instant_before_the_machine_started_is_past_like_any_other(run: Callable[[Play], None]) -> None:
    async def play() -> None:
        timers, called, over = Timers(asyncio.get_running_loop()), [], asyncio.Event()
        timers.call_at(-480.0, called.append, "past")
        timers.call_at(monotonic() + 0.002, over.set)
        await asyncio.wait_for(over.wait(), 10)
        assert called == ["past"]
        timers.close()

    run(play)


@pytest.mark.parametrize("run", [on_uvloop, on_asyncio])
def test_a_call_that_fails_takes_no_other_with_it(run: Callable[[Play], None]) -> None:
    async def play() -> None:
        loop, over, faults = asyncio.get_running_loop(), asyncio.Event(), []
        loop.set_exception_handler(lambda _, context: faults.append(context["exception"]))
        timers = Timers(loop)
        timers.call_at(monotonic() + 0.001, int, "no number")
        timers.call_at(monotonic() + 0.003, over.set)
        await asyncio.wait_for(over.wait(), 10)
        assert [type(fault) for fault in faults] == [ValueError]
        timers.close()

    run(play)
