"""What a run's memory was and whether it came back, in worlds worked out by hand.

    seconds   -30 …     0        30       90       150      180        240
    load      idle      calm     ramp     plateau  drop     (after)
    rest                          or quiet where a test says so
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from elastometer.analysis.resources_used.measurements import measurements
from elastometer.analysis.resources_used.memory import host_memory, memory_table
from elastometer.analysis.resources_used.used import resources_used
from elastometer.analysis.resources_used.windows import windows_of
from elastometer.analysis.run import DerivedRun, derive_run
from elastometer.analysis.verdict.memory_objective import judge_memory
from elastometer.model.bundle import Bundle, SeriesName, SeriesResult
from elastometer.model.memory import MemoryRow, MemoryTable
from elastometer.model.report import ObjectiveResult, Verdict
from elastometer.model.resources_used import HARDLY_ROSE
from elastometer.model.terms import Indicator, Objective
from elastometer.world.bundle_reader import load_bundle
from elastometer_loadgen.stages.stage import StageRole
from support.scraped import FIRST, of_pod, scraped
from support.synthetic.run import write_run

MIB = 2 ** 20


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    directory: Path = tmp_path_factory.mktemp("run")
    return load_bundle(write_run(directory))


def quiet(bundle: Bundle, *names: str) -> Bundle:
    """With these stages as ones that offer no load."""
    stages = tuple(replace(stage, role=StageRole.QUIET) if stage.name in names else stage
                   for stage in bundle.terms.stages)
    return replace(bundle, terms=replace(bundle.terms, stages=stages))


def run_of(bundle: Bundle, *series: SeriesResult) -> DerivedRun:
    return derive_run(replace(bundle, series=series))


def table(run: DerivedRun) -> MemoryTable:
    found = memory_table(resources_used(run, measurements(run)))
    assert found is not None
    return found


def process(memory: Callable[[float], float]) -> SeriesResult:
    return scraped(SeriesName.PROCESS_MEMORY, of_pod(FIRST, lambda time: MIB * memory(time)))


def row(run: DerivedRun) -> MemoryRow:
    found = table(run).host()
    assert found is not None
    assert found == host_memory(run, measurements(run))
    return found


def judged(run: DerivedRun, indicator: Indicator, bound: int, stage: str | None = None) -> ObjectiveResult:
    is_growth = indicator is Indicator.MEMORY_GROWTH
    objective = Objective("o", indicator, 95, None if is_growth else bound, None, stage,
                          maximum_mebibytes=bound if is_growth else None)
    return judge_memory(objective, host_memory(run, measurements(run)))


def steps(time: float) -> float:
    """100 MiB, 120 in calm, 150 in ramp and plateau, and 12 s after the drop's begin back at 104."""
    return 100 if time < 0 else 120 if time < 30 else 150 if time < 162 else 104


def test_each_level_has_its_growth_over_idle_and_the_growth_of_all_is_what_stayed(bundle: Bundle):
    found = row(run_of(bundle, process(steps)))
    assert found.idle_bytes == 100 * MIB
    assert [(one.name, one.growth_bytes) for one in found.levels[:4]] == [
        ("idle", None), ("calm", 20 * MIB), ("ramp", 50 * MIB), ("plateau", 50 * MIB)]
    assert found.growth_bytes == 4 * MIB


def test_a_level_that_a_quiet_stage_follows_has_the_time_until_it_was_back(bundle: Bundle):
    """The bound is 100 MiB and the greater of 15 % of 50 and 8 MiB; the drop is quiet and runs into the end."""
    found = row(run_of(quiet(bundle, "drop"), process(steps)))
    plateau = next(one for one in found.levels if one.name == "plateau")
    assert plateau.returned is not None
    assert plateau.returned.milliseconds == 12_000
    assert found.returned.milliseconds == 12_000, "the load ended with the plateau"
    assert [one.returned for one in found.levels if one.name in ("calm", "ramp")] == [None, None]


def test_where_the_load_begins_quietly_that_is_idle(bundle: Bundle):
    found = row(run_of(quiet(bundle, "calm"), process(lambda time: 100 if time < 0 else 110 if time < 30 else 150)))
    assert found.idle_bytes == 110 * MIB


def test_what_is_still_that_of_the_start_right_after_ready_is_not_idle(bundle: Bundle):
    """A reader that is one resolution late shows 16 MiB for so long after the first Ready, and then 100."""
    plain = run_of(bundle, process(steps))
    idle = windows_of(plain)[0]
    late = run_of(bundle, process(lambda time: 16 if time < idle.start_seconds + 2 else steps(time)))
    assert row(late).resolution_seconds >= 2
    assert (row(late).idle_bytes, row(late).returned) == (row(plain).idle_bytes, row(plain).returned)
    assert [one.growth_bytes for one in row(late).levels[1:]] == [one.growth_bytes for one in row(plain).levels[1:]]


def test_a_level_between_two_others_says_that_the_load_went_on_where_it_was_not_back(bundle: Bundle):
    found = row(run_of(quiet(bundle, "ramp"), process(lambda time: 100 if time < 0 else 150)))
    calm = next(one for one in found.levels if one.name == "calm")
    assert calm.returned is not None
    assert calm.returned.at_least_milliseconds == 58_000
    assert calm.returned.reason == "it was not back when the load went on"


def test_witnesses_that_are_missing_have_their_reasons(bundle: Bundle):
    found = table(run_of(bundle, process(steps)))
    assert {one.name for one in found.rows} == {"processMemory"}
    assert [title for title, _ in found.missing] == [
        "Container memory (working set)", "Container memory (RSS)", "GPU memory in use", "GPU memory filled"]


def test_growth_within_its_bound_passes_and_names_the_level_that_grew_most(bundle: Bundle):
    run = run_of(bundle, process(steps))
    found = judged(run, Indicator.MEMORY_GROWTH, 50)
    assert (found.verdict, found.measured, found.unit) == (Verdict.PASS, 50.0, "MiB")
    assert found.message.startswith("`memory growth` 50.0 MiB over idle is within 50 MiB in ")
    assert judged(run, Indicator.MEMORY_GROWTH, 49).verdict is Verdict.FAIL
    assert judged(run, Indicator.MEMORY_GROWTH, 49, "calm").verdict is Verdict.PASS


@pytest.mark.parametrize(("bound", "verdict"), [
    (12_000, Verdict.PASS), (11_999, Verdict.INCONCLUSIVE), (9_000, Verdict.INCONCLUSIVE), (7_000, Verdict.FAIL)])
def test_a_return_is_judged_only_as_exactly_as_memory_was_sampled(bundle: Bundle, bound: int, verdict: Verdict):
    """At 12 s it was back, and the sample before may be 4 s old."""
    found = judged(run_of(quiet(bundle, "drop"), process(steps)), Indicator.MEMORY_RETURN, bound)
    assert found.verdict is verdict
    if verdict is Verdict.INCONCLUSIVE:
        assert found.message == (f"`memory return` cannot be judged within {bound} ms: memory was sampled each 4 s, "
                                 "and was back after 12000 ms")


def test_memory_that_stays_fails_where_it_was_watched_for_longer_than_the_bound(bundle: Bundle):
    run = run_of(bundle, process(lambda time: 100 if time < 30 else 170))
    assert judged(run, Indicator.MEMORY_RETURN, 5_000).verdict is Verdict.FAIL
    assert judged(run, Indicator.MEMORY_RETURN, 90_000).verdict is Verdict.INCONCLUSIVE


def test_a_rest_shorter_than_the_bound_decides_nothing_where_the_end_of_the_load_does(bundle: Bundle):
    """Quiet from 30 to 90 s, too short for a bound of 90 s; behind the load memory is back after 12 s."""
    run = run_of(quiet(bundle, "ramp", "drop"), process(lambda time: 100 if time < 0 or time >= 162 else 150))
    assert judged(run, Indicator.MEMORY_RETURN, 90_000).verdict is Verdict.PASS
    assert judged(run, Indicator.MEMORY_RETURN, 50_000).verdict is Verdict.FAIL, "it was not back within 58 s"
    assert judged(run, Indicator.MEMORY_RETURN, 90_000, "calm").verdict is Verdict.INCONCLUSIVE


def test_memory_that_never_rose_has_nothing_to_return(bundle: Bundle):
    found = judged(run_of(bundle, process(lambda _: 100.0)), Indicator.MEMORY_RETURN, 5_000)
    assert (found.verdict, found.measured) == (Verdict.PASS, None)
    assert HARDLY_ROSE in found.message


def test_without_a_witness_or_a_rest_nothing_is_judged(bundle: Bundle):
    blind = run_of(bundle, scraped(SeriesName.WAITING))
    for indicator in (Indicator.MEMORY_GROWTH, Indicator.MEMORY_RETURN):
        found = judged(blind, indicator, 10)
        assert found.verdict is Verdict.INCONCLUSIVE
        assert "no memory of the servers was measured" in found.message
    found = judged(run_of(bundle, process(steps)), Indicator.MEMORY_RETURN, 5_000, "calm")
    assert found.message.endswith("load follows at once, and a return cannot be seen")
