"""How full each resource was, in a run whose numbers are worked out by hand: four Pods of at most one core and four
sequences each, a ramp from 30 to 90 s, a plateau from 90 to 150 s."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from elastometer.analysis.resources_used.levels import level_resources
from elastometer.analysis.resources_used.measurements import measurements
from elastometer.analysis.resources_used.saturation import saturation_table
from elastometer.analysis.run import derive_run
from elastometer.model.bundle import Bundle, SeriesName, SeriesResult
from elastometer.model.observation import ObjectKind, ObjectSeen
from elastometer.model.resources_used import ResourceWindow, WindowKind
from elastometer.model.saturation import SaturationCell, SaturationRow, SaturationTable
from elastometer.world.bundle_reader import load_bundle
from support.scraped import FIRST, THIRD, of_pod, scraped
from support.synthetic.run import write_run

MIB = 2 ** 20


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    directory: Path = tmp_path_factory.mktemp("run")
    return load_bundle(write_run(directory))


def limited(bundle: Bundle, cpu: str) -> Bundle:
    """Each server container with a CPU limit."""
    def one(seen: ObjectSeen) -> ObjectSeen:
        containers: list[dict[str, Any]] = [{"name": "server", "resources": {"limits": {"cpu": cpu}}}]
        spec = {**seen.object.get("spec", {}), "containers": containers}
        return replace(seen, object={**seen.object, "spec": spec})
    return replace(bundle, observations=tuple(
        one(seen) if isinstance(seen, ObjectSeen) and seen.kind is ObjectKind.POD else seen
        for seen in bundle.observations))


def table(bundle: Bundle, *series: SeriesResult) -> SaturationTable:
    run = derive_run(replace(bundle, series=series))
    found = saturation_table(run, measurements(run))
    assert found is not None
    return found


def row(found: SaturationTable, name: str) -> SaturationRow:
    return next(one for one in found.rows if one.name == name)


def cell(found: SaturationRow, name: str) -> SaturationCell:
    one = found.cell(name)
    assert one is not None
    return one


def counter(rate: float):
    return lambda time: 100 + rate * (time + 60)


def test_cpu_near_the_limit_of_its_container_is_what_was_full(bundle: Bundle):
    found = table(limited(bundle, "1"), scraped(SeriesName.PROCESS_CPU, of_pod(FIRST, counter(0.9))),
                  scraped(SeriesName.KV_CACHE, of_pod(FIRST, lambda _: 0.4)))
    plateau = row(found, "plateau")
    cpu = cell(plateau, "cpu")
    assert (cpu.value, cpu.share_percent, cpu.seconds_above) == (pytest.approx(0.9), 90.0, 60.0)
    assert found.columns[0].of == "processCPU"
    assert found.columns[0].limit == "the container's limit of 1 core"
    assert cell(plateau, "kvCache").share_percent == 40.0
    assert (plateau.full, plateau.reason) == ("cpu", None)


def test_what_is_above_80_percent_for_less_than_half_of_a_stage_is_not_full(bundle: Bundle):
    found = table(bundle, scraped(SeriesName.KV_CACHE, of_pod(FIRST, lambda time: 0.95 if 100 <= time < 120 else 0.3)))
    plateau = row(found, "plateau")
    assert cell(plateau, "kvCache").seconds_above == 20.0
    assert cell(plateau, "kvCache").peak_percent == 95.0
    assert plateau.full is None
    assert plateau.reason == "no resource with a known limit was above 80 % for half of it"


def test_one_full_pod_counts_although_the_mean_of_all_is_low(bundle: Bundle):
    found = table(bundle, scraped(SeriesName.KV_CACHE, of_pod(FIRST, lambda _: 0.96), of_pod(THIRD, lambda _: 0.02)))
    cache = cell(row(found, "plateau"), "kvCache")
    assert (cache.share_percent, cache.seconds_above) == (49.0, 60.0)


def test_without_a_limit_there_is_a_value_and_the_reason_why_there_is_no_share(bundle: Bundle):
    found = table(bundle, scraped(SeriesName.PROCESS_CPU, of_pod(FIRST, counter(0.9))))
    cpu = cell(row(found, "plateau"), "cpu")
    assert (cpu.value, cpu.share_percent) == (pytest.approx(0.9), None)
    assert cpu.reason == "the container has no CPU limit, and its node was not recorded"


def test_reserved_gpu_memory_is_shown_and_never_called_full(bundle: Bundle):
    found = table(bundle, scraped(SeriesName.GPU_MEMORY, of_pod(FIRST, lambda _: 90.0)),
                  scraped(SeriesName.GPU_MEMORY_FREE, of_pod(FIRST, lambda _: 10.0)))
    plateau = row(found, "plateau")
    assert cell(plateau, "gpuMemoryShare").share_percent == 90.0
    assert plateau.full is None


def test_preemptions_and_rejections_of_all_reasons_are_counted(bundle: Bundle):
    def refused(time: float) -> float:
        return 3.0 if time >= 100 else 0.0
    found = table(bundle, scraped(SeriesName.PREEMPTIONS, of_pod(FIRST, lambda time: 7.0 if time >= 60 else 0.0)),
                  scraped(SeriesName.ADMISSION_REJECTIONS, of_pod(FIRST, refused, reason="max_num_queued_reqs"),
                          of_pod(FIRST, refused, reason="max_num_queued_tokens")))
    assert cell(row(found, "ramp"), "preemptions").value == 7.0
    assert cell(row(found, "plateau"), "preemptions").value == 0.0
    assert cell(row(found, "plateau"), "rejections").value == 6.0


def test_the_resources_of_any_span_are_those_of_its_samples(bundle: Bundle):
    run = derive_run(replace(bundle, series=(
        scraped(SeriesName.PROCESS_MEMORY, of_pod(FIRST, lambda time: MIB * (100 + time))),
        scraped(SeriesName.PROCESS_CPU, of_pod(FIRST, counter(0.5))),
        scraped(SeriesName.PREEMPTIONS, of_pod(FIRST, lambda time: time // 10 if time > 0 else 0.0)))))
    first, second = level_resources(measurements(run), [
        ResourceWindow("a", WindowKind.STAGE, 10.0, 20.0), ResourceWindow("b", WindowKind.STAGE, 15.0, 40.0)])
    assert (first.memory_of, first.cpu_of) == ("processMemory", "processCPU")
    assert first.memory_bytes == pytest.approx(114 * MIB, rel=1e-6)  # 10, 12, 14, 16, 18 s
    assert first.memory_peak_bytes == pytest.approx(118 * MIB, rel=1e-6)
    assert first.cpu_cores == second.cpu_cores == pytest.approx(0.5)
    assert (first.preemptions, second.preemptions) == (1.0, 2.0)
    assert first.kv_cache_percent is None
    assert dict(first.missing)["kv_cache_percent"] == "the record has no such series, as one of an earlier version"


def test_a_span_without_a_sample_says_so(bundle: Bundle):
    run = derive_run(replace(bundle, series=(scraped(SeriesName.WAITING, of_pod(FIRST, lambda _: 1.0)),)))
    found, = level_resources(measurements(run), [ResourceWindow("later", WindowKind.STAGE, 9_000.0, 9_010.0)])
    assert found.waiting is None
    assert dict(found.missing)["waiting"] == "nothing was sampled in this span"
