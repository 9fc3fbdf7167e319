"""The generator's account of itself holds every send, every pause and the most sockets at a time."""

import asyncio
import gc

import pytest

from elastometer_loadgen.gauges.vitals import Vitals, VitalSigns
from elastometer_loadgen.results.summary import Summary


def account(signs: VitalSigns, *, bound: int = 50, exhausted: bool = False, sent: int = 100) -> Summary:
    return Summary(
        worker=0, incarnation="a", planned=110, sent=sent, skipped=3, records=sent, start=0, end=1, signs=signs,
        client_exhausted=exhausted, bound_milliseconds=bound, checks=[],
    )


async def watched(lateness_seconds: list[float], bound: float = 50) -> VitalSigns:
    vitals = Vitals(bound)
    for seconds in lateness_seconds:
        vitals.sent(seconds)
    return vitals.stop()


async def test_lateness_covers_every_send_including_the_late_ones() -> None:
    signs = await watched([0.001] * 98 + [0.2, 0.3])
    assert (signs.lateness.p50, signs.lateness.p99, signs.lateness.maximum) == (1, 200, 300)
    assert signs.late == 2


@pytest.mark.parametrize(("late", "fell_behind"), [(1, False), (2, True)])
async def test_a_generator_fell_behind_when_its_lateness_at_p99_is_beyond_the_bound(
    late: int, *, fell_behind: bool
) -> None:
    signs = await watched([0.0] * (100 - late) + [0.051] * late)
    assert account(signs).fell_behind is fell_behind


async def test_a_generator_without_sockets_left_fell_behind_however_punctual() -> None:
    assert account(await watched([0.0]), exhausted=True).fell_behind


async def test_what_was_never_sent_is_counted() -> None:
    assert account(await watched([0.0])).document()["unsent"] == 7


async def test_pauses_of_the_garbage_collector_are_counted_and_only_while_it_is_watched() -> None:
    vitals = Vitals(50)
    gc.collect()
    vitals.start(lambda: 0)
    gc.collect()
    gc.collect()
    collection = vitals.stop().collection
    gc.collect()
    assert collection.pauses >= 2
    assert 0 < collection.maximum <= collection.total
    assert not [callback for callback in gc.callbacks if getattr(callback, "__self__", None) is vitals]


async def test_the_highest_number_of_open_sockets_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elastometer_loadgen.gauges.vitals.HEARTBEAT_SECONDS", 0.001)
    counts = iter([3, 9, 4])
    seen = asyncio.Event()

    def sockets() -> int:
        count = next(counts, None)
        if count is None:
            seen.set()
        return count or 0

    vitals = Vitals(50)
    vitals.start(sockets)
    await seen.wait()
    assert vitals.stop().open_sockets == 9


async def test_what_was_not_measured_is_None() -> None:
    signs = await watched([])
    assert (signs.lateness.p99, signs.lag.p99, signs.cpu_share) == (None, None, None)
