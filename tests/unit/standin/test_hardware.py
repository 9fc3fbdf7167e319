"""Memory that is really there, pauses of the engine, too few cores, and the GPU that is shown."""

import mmap

import pytest

from elastometer_standin.cli import CliError, parse
from elastometer_standin.gpu import Gpu
from elastometer_standin.settings import MemoryPlan
from elastometer_standin.troubles.memory import KIB, MIB, Memory
from elastometer_standin.troubles.pauses import Pauses


def resident_bytes() -> int:
    with open("/proc/self/smaps_rollup", encoding="ascii") as rollup:
        return next(int(line.split()[1]) * KIB for line in rollup if line.startswith("Rss:"))


def test_what_is_allocated_is_resident_and_what_is_given_back_is_gone() -> None:
    before = resident_bytes()
    memory = Memory(MemoryPlan(base_mebibytes=16, kibibytes_per_stream=1024))
    memory.follow(24, now=0.0)
    assert memory.allocated_bytes == 40 * MIB
    assert resident_bytes() - before == pytest.approx(40 * MIB, abs=MIB)
    memory.follow(0, now=1.0)
    assert memory.allocated_bytes == 16 * MIB
    assert resident_bytes() - before == pytest.approx(16 * MIB, abs=MIB)


def test_memory_of_streams_stays_for_the_return_time_of_the_peak() -> None:
    """20 streams until t=10, then 5 until t=30, then none; memory is kept for 12 s."""
    memory = Memory(MemoryPlan(kibibytes_per_stream=100, return_seconds=12))
    held = {}
    for now, streams in [(0, 20), (10, 5), (21, 5), (22, 5), (30, 0), (41, 0), (42, 0)]:
        memory.follow(streams, float(now))
        held[now] = memory.allocated_bytes // (100 * KIB)
    assert held == {0: 20, 10: 20, 21: 20, 22: 5, 30: 5, 41: 5, 42: 0}


def test_a_leak_is_packed_and_stays() -> None:
    memory = Memory(MemoryPlan(leak_kibibytes_per_request=1.5))
    for _ in range(10_000):
        memory.leak()
    assert memory.allocated_bytes == -(-10_000 * 1536 // mmap.PAGESIZE) * mmap.PAGESIZE
    memory.follow(0, 1e9)
    assert memory.allocated_bytes > 14 * MIB
    assert list(memory.family.lines())[2].startswith("standin_memory_allocated_bytes 1.536")


@pytest.mark.parametrize(
    ("start", "work", "end", "met"),
    [
        (0.0, 1.0, 1.0, 0),
        (0.0, 10.0, 10.0, 0),  # ends just as the first pause begins
        (9.5, 1.0, 11.5, 1),
        (10.2, 0.5, 11.5, 1),  # arrives while the engine stands still
        (11.0, 9.0, 20.0, 0),
        (5.0, 30.0, 38.0, 3),
    ],
)
def test_work_waits_for_the_end_of_each_pause_of_one_second_in_ten(
    start: float, work: float, end: float, met: int
) -> None:
    assert Pauses(seconds=1.0, every_seconds=10.0).end_of(start, work) == (pytest.approx(end), met)


def test_without_pauses_work_takes_its_time() -> None:
    assert Pauses().end_of(3.0, 4.0) == (7.0, 0)


@pytest.mark.parametrize("arguments", [
    ["--standin-pause-seconds=1"], ["--standin-pause-every-seconds=1"],
    ["--standin-pause-seconds=2", "--standin-pause-every-seconds=2"],
])
def test_pauses_need_a_length_and_a_longer_period(arguments: list[str]) -> None:
    with pytest.raises(CliError, match="--standin-pause-every-seconds must be greater than --standin-pause-seconds"):
        parse(arguments, {})


def test_more_api_servers_than_cores_make_steps_longer_and_fewer_do_not() -> None:
    def factor(*arguments: str) -> float:
        return parse(arguments, {}).hardware.step_factor

    assert factor("--api-server-count=4", "--standin-cores=2") == 2.0
    assert factor("--api-server-count=2", "--standin-cores=2") == 1.0
    assert factor("--api-server-count=1", "--standin-cores=2") == 1.0
    assert factor("--api-server-count=4") == 1.0
    assert factor("--standin-cores=1") == 1.0


def test_api_servers_have_an_effect_only_with_cores_and_are_said_to_have_none_otherwise() -> None:
    assert parse(["--api-server-count=4"], {}).ignored_flags == ("--api-server-count",)
    assert parse(["--api-server-count=4", "--standin-cores=2"], {}).ignored_flags == ()


def test_the_gpu_has_reserved_what_vllm_reserves_and_is_busy_while_a_step_runs() -> None:
    gpu = Gpu(24, "pod-a")
    gpu.show(is_busy=True)
    lines = [line for family in gpu.families for line in family.lines() if not line.startswith("#")]
    assert {line.partition("{")[0]: float(line.rpartition(" ")[2]) for line in lines} == {
        "DCGM_FI_DEV_FB_USED": 22610.0, "DCGM_FI_DEV_FB_FREE": 1966.0, "DCGM_FI_DEV_GPU_UTIL": 100.0,
    }
    gpu.show(is_busy=False)
    assert list(gpu.families[2].lines())[-1].endswith(" 0.0")
