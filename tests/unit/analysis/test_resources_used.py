"""What a run used, in worlds whose numbers are worked out by hand.

    seconds   -30 …     0        30       90       150      180        240
    load      idle      calm     ramp     plateau  drop     (after)
"""
from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import pytest

from elastometer.analysis.resources_used.measurements import measurements
from elastometer.analysis.resources_used.saturation import saturation_table
from elastometer.analysis.resources_used.used import resources_used
from elastometer.analysis.run import derive_run
from elastometer.model.bundle import Bundle, LabelledSamples, SeriesName, SeriesOutcome, SeriesResult
from elastometer.model.observation import MetricSample, MetricsSeen
from elastometer.model.own_series import OwnSeries
from elastometer.model.resources_used import Of, ResourceQuantity, ResourceRow, ResourcesUsed
from elastometer.world.bundle_reader import load_bundle
from support.scraped import (
    FIRST,
    FOURTH,
    LIVES,
    ORIGIN,
    SECOND_POD,
    THIRD,
    grid,
    held,
    labelled,
    of_pod,
    scraped,
    taken_every,
)
from support.synthetic.run import write_run

MIB = 2 ** 20
IDLE, CALM, RAMP, PLATEAU, DROP, AFTER = range(6)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    directory: Path = tmp_path_factory.mktemp("run")
    return load_bundle(write_run(directory))


def used(bundle: Bundle, *series: SeriesResult, own: tuple[OwnSeries, ...] = ()) -> ResourcesUsed:
    run = derive_run(replace(bundle, series=series, terms=replace(bundle.terms, series=own)))
    return resources_used(run, measurements(run))


def quantity(found: ResourcesUsed, name: str) -> ResourceQuantity:
    return next(one for one in found.quantities if one.name == name)


def row(found: ResourceQuantity, of: Of) -> ResourceRow:
    return next(one for one in found.rows if one.of is of)


def between(start: float, end: float, inside: float, outside: float):
    return lambda time: inside if start <= time < end else outside


def test_the_parts_of_a_run_are_idle_each_stage_and_after(bundle: Bundle):
    windows = used(bundle, scraped(SeriesName.WAITING)).windows
    assert [one.name for one in windows] == ["idle", "calm", "ramp", "plateau", "drop", "after"]
    assert [(one.start_seconds, one.end_seconds) for one in windows[1:]] == [
        (0, 30), (30, 90), (90, 150), (150, 180), (180, 240)]
    assert windows[0].end_seconds == 0 > windows[0].start_seconds > -42.31


def test_memory_has_its_levels_its_growth_and_the_time_to_return(bundle: Bundle):
    """100 MiB idle, 6 MiB a minute up from the load's start, and 12 s after its end back at 104 MiB."""
    def memory(time: float) -> float:
        return MIB * (100 if time < 0 else 104 if time >= 192 else 100 + 0.1 * time + (20 if time >= 30 else 0))
    found = quantity(used(bundle, scraped(SeriesName.PROCESS_MEMORY, of_pod(FIRST, memory))), "processMemory")
    assert (found.outcome, found.unit, found.jobs, found.pods) == ("Samples", "bytes", ("pods",), 1)
    assert "API server" in found.witness
    assert found.resolution_seconds == 4.0  # the step and the age of the newest sample
    for of in Of:
        one = row(found, of)
        assert one.levels[IDLE].mean == one.idle == 100 * MIB
        # 30 to 88 s: 120 + 0.1 t is 128.8 at the last instant
        assert one.levels[RAMP].peak == pytest.approx(128.8 * MIB, rel=1e-5)
        assert one.levels[RAMP].mean == pytest.approx((120 + 5.9) * MIB, rel=1e-5)
        slope = one.levels[RAMP].slope
        assert slope is not None
        assert slope.value == pytest.approx(6 * MIB, rel=1e-5)
        assert (one.peak, one.peak_seconds) == (pytest.approx(139.0 * MIB, rel=1e-5), 190)
        assert (one.after, one.growth) == (104 * MIB, 4 * MIB)
        # the rise is 39 MiB, of which 15 % are 5.85 MiB: the floor of 8 MiB counts
        assert one.back_at == 108 * MIB
        assert one.returned.milliseconds == 12_000
        assert one.returned.plus_minus_milliseconds == 4_000
    assert row(found, Of.HIGHEST_POD).growth_pod == FIRST


def test_memory_that_stays_has_only_a_lower_bound(bundle: Bundle):
    memory = between(-60, 30, 100 * MIB, 170 * MIB)
    one = row(quantity(used(bundle, scraped(SeriesName.PROCESS_MEMORY, of_pod(FIRST, memory))), "processMemory"),
              Of.ALL_PODS)
    assert one.growth == 70 * MIB
    assert one.returned.milliseconds is None
    assert one.returned.at_least_milliseconds == 58_000, "the last sample before the end of the record"
    assert one.returned.reason == "it was not back when the record ended"


def test_a_value_that_comes_back_twice_is_back_at_the_last_time(bundle: Bundle):
    def memory(time: float) -> float:
        return MIB * (200 if 30 <= time < 184 or 200 <= time < 210 else 100)
    one = row(quantity(used(bundle, scraped(SeriesName.PROCESS_MEMORY, of_pod(FIRST, memory))), "processMemory"),
              Of.ALL_PODS)
    assert one.returned.milliseconds == 30_000


def test_what_hardly_rose_has_no_time_to_return(bundle: Bundle):
    memory = between(30, 90, 105 * MIB, 100 * MIB)
    one = row(quantity(used(bundle, scraped(SeriesName.PROCESS_MEMORY, of_pod(FIRST, memory))), "processMemory"),
              Of.ALL_PODS)
    assert one.returned.milliseconds is None
    assert one.returned.reason == "it hardly rose above idle"


def test_pods_are_added_and_the_highest_is_named(bundle: Bundle):
    series = [of_pod(pod, lambda _, mib=mib: mib * MIB)
              for pod, mib in ((FIRST, 100), (SECOND_POD, 150), (THIRD, 120), (FOURTH, 110))]
    found = quantity(used(bundle, scraped(SeriesName.PROCESS_MEMORY, *series)), "processMemory")
    total, highest = row(found, Of.ALL_PODS), row(found, Of.HIGHEST_POD)
    assert total.levels[PLATEAU].peak == total.peak == 480 * MIB
    assert (highest.peak, highest.peak_pod) == (150 * MIB, SECOND_POD)
    assert highest.levels[PLATEAU].pod == SECOND_POD
    assert total.levels[RAMP].slope is None, "Pods came meanwhile"
    # only the first Pod was there before and after the load
    assert (highest.growth, highest.growth_pod) == (0, FIRST)


def test_without_a_pod_at_both_ends_there_is_no_growth(bundle: Bundle):
    found = quantity(used(bundle, scraped(SeriesName.PROCESS_MEMORY, of_pod(THIRD, lambda _: MIB))), "processMemory")
    one = row(found, Of.HIGHEST_POD)
    assert one.growth is None
    assert one.growth_reason == one.returned.reason == "no Pod was there both before and after the load"


def test_a_counter_read_every_ten_seconds_gives_its_exact_rate(bundle: Bundle):
    """Half a core throughout, in samples that are repeated five times: no zero, no fivefold peak."""
    every, cpu = 10.0, held(lambda time: 50 + 0.5 * time, 10.0)
    labels = {"container": "server", "job": "kubelet"}
    found = quantity(used(
        bundle, scraped(SeriesName.CONTAINER_CPU, of_pod(FIRST, cpu, **labels)),
        scraped(SeriesName.CONTAINER_SAMPLED, of_pod(FIRST, taken_every(every), **labels))), "containerCPU")
    total = row(found, Of.ALL_PODS)
    assert [level.mean for level in total.levels] == [0.5] * 6
    assert total.peak == 0.5
    assert found.resolution_seconds == every
    assert (found.jobs, found.witness, found.unit) == (("kubelet",), "the container `server`", "cores")
    assert total.levels[PLATEAU].increase == pytest.approx(30.0)


def test_a_source_whose_times_the_scrape_does_not_keep_is_dated_by_its_changes(bundle: Bundle):
    """Without honor_timestamps each scrape has its own time, and cAdvisor's reading of before."""
    labels = {"container": "server", "job": "kubelet"}
    found = used(
        bundle, scraped(SeriesName.CONTAINER_CPU, of_pod(FIRST, held(lambda time: 50 + 0.5 * time, 10.0), **labels)),
        scraped(SeriesName.CONTAINER_SAMPLED, of_pod(FIRST, taken_every(2.0), **labels)),
        scraped(SeriesName.WORKING_SET, of_pod(FIRST, lambda _: 100 * MIB, **labels)))
    cpu, memory = quantity(found, "containerCPU"), quantity(found, "workingSet")
    # All but the first: when a reading was taken that was there before the first scrape is not known.
    assert {(one.mean, one.peak) for one in row(cpu, Of.ALL_PODS).levels[RAMP:]} == {(0.5, 0.5)}
    assert cpu.resolution_seconds == memory.resolution_seconds == 10


def test_a_counter_that_began_again_lost_nothing_but_its_fall(bundle: Bundle):
    """A core throughout; at 61 s the process starts again, and its counter at 0."""
    def cpu(time: float) -> float:
        return time - 61 if time >= 61 else 100 + time
    found = quantity(used(bundle, scraped(SeriesName.PROCESS_CPU, of_pod(FIRST, cpu))), "processCPU")
    ramp = row(found, Of.ALL_PODS).levels[RAMP]
    assert ramp.peak == 1.0
    # between 60 and 62 s the new counter reached 1: only what the old one counted in that second is not known
    assert ramp.increase == pytest.approx(59.0)


def test_the_share_of_throttled_periods_is_of_those_that_ran(bundle: Bundle):
    labels = {"container": "server", "job": "kubelet"}
    def throttled(time: float) -> float:
        return 2.5 * min(max(time - 90, 0), 60)
    found = quantity(used(
        bundle, scraped(SeriesName.CFS_THROTTLED, of_pod(FIRST, throttled, **labels)),
        scraped(SeriesName.CFS_PERIODS, of_pod(FIRST, lambda time: 10 * (time + 60), **labels))), "throttled")
    total = row(found, Of.ALL_PODS)
    assert [total.levels[window].peak for window in (IDLE, CALM, PLATEAU, AFTER)] == [0, 0, 25, 0]
    assert found.unit == "percent"


def test_preemptions_are_counted_from_zero_where_a_pod_is_first_seen(bundle: Bundle):
    late = of_pod(SECOND_POD, lambda time: 7.0)
    found = quantity(used(bundle, scraped(
        SeriesName.PREEMPTIONS, of_pod(FIRST, between(90, 1e9, 3.0, 0.0)), late)), "preemptions")
    total = row(found, Of.ALL_PODS)
    assert [level.increase for level in total.levels] == [0, 0, 7, 3, 0, 0]


def test_the_containers_own_row_counts_before_its_pods(bundle: Bundle):
    pod = of_pod(FIRST, lambda _: 130 * MIB, container="", job="kubelet")
    server = of_pod(FIRST, lambda _: 100 * MIB, container="server", job="kubelet")
    both = quantity(used(bundle, scraped(SeriesName.WORKING_SET, pod, server)), "workingSet")
    assert (both.rows[0].peak, both.witness) == (100 * MIB, "the container `server`")
    alone = quantity(used(bundle, scraped(SeriesName.WORKING_SET, pod)), "workingSet")
    assert (alone.rows[0].peak, alone.witness) == (130 * MIB, "the Pod, all its containers")


def test_two_jobs_that_scrape_the_same_are_not_added(bundle: Bundle):
    series = [of_pod(FIRST, lambda _: 100 * MIB, job=job) for job in ("b", "a")]
    found = quantity(used(bundle, scraped(SeriesName.PROCESS_MEMORY, *series)), "processMemory")
    assert (found.jobs, found.rows[0].peak) == (("a",), 100 * MIB)


def test_gpu_memory_has_its_share_of_what_is_there(bundle: Bundle):
    found = used(bundle, scraped(SeriesName.GPU_MEMORY, of_pod(FIRST, lambda _: 60_000)),
                 scraped(SeriesName.GPU_MEMORY_FREE, of_pod(FIRST, lambda _: 20_000)),
                 scraped(SeriesName.GPU_BUSY, of_pod(FIRST, lambda _: 87)))
    assert quantity(found, "gpuMemory").rows[0].peak == pytest.approx(60_000 * MIB, rel=1e-5)
    assert quantity(found, "gpuMemoryShare").rows[0].peak == 75
    assert quantity(found, "gpuUtilization").rows[0].peak == 87


def test_samples_that_are_repeated_after_a_pod_was_gone_do_not_count(bundle: Bundle):
    """Samples with a time of their own get no staleness marker: Prometheus repeats them for five minutes."""
    ghost = labelled({"pod": SECOND_POD, "job": "pods"}, lambda _: 500 * MIB, grid(64, 240))
    found = quantity(used(bundle, scraped(SeriesName.PROCESS_MEMORY, of_pod(FIRST, lambda _: MIB), ghost)),
                     "processMemory")
    total = row(found, Of.ALL_PODS)
    assert total.after == MIB
    assert total.levels[PLATEAU].peak == 501 * MIB


def test_pods_of_nobody_known_are_left_out(bundle: Bundle):
    other = labelled({"pod": "demo-server-of-before", "job": "pods"}, lambda _: 500 * MIB, grid())
    assert quantity(used(bundle, scraped(SeriesName.PROCESS_MEMORY, other)), "processMemory").rows == ()


def test_what_is_missing_says_what_would_bring_it(bundle: Bundle):
    nothing = [scraped(name) for name in SeriesName]
    found = {one.name: one for one in used(bundle, *nothing).quantities}
    assert {one.outcome for one in found.values()} == {"NoData"}
    assert all(one.rows == () and one.reason for one in found.values())
    assert "/metrics/cadvisor" in str(found["workingSet"].reason)
    assert found["throttled"].reason == found["networkSent"].reason == found["workingSet"].reason
    assert "dcgm-exporter" in str(found["gpuMemory"].reason)


def test_with_cadvisor_a_missing_limit_or_network_is_no_missing_scrape(bundle: Bundle):
    cpu = scraped(SeriesName.CONTAINER_CPU, of_pod(FIRST, lambda time: time + 60, container="server"))
    rest = [scraped(name) for name in SeriesName if name is not SeriesName.CONTAINER_CPU]
    found = {one.name: one for one in used(bundle, cpu, *rest).quantities}
    assert "CPU limit" in str(found["throttled"].reason)
    assert "hostNetwork" in str(found["networkSent"].reason)


def test_a_failed_query_and_an_old_record_are_no_missing_data(bundle: Bundle):
    failed = SeriesResult(SeriesName.PROCESS_MEMORY, "", SeriesOutcome.QUERY_FAILED, "timed out", 2.0, ())
    found = used(bundle, failed)
    assert (quantity(found, "processMemory").outcome, quantity(found, "processMemory").reason) == (
        "QueryFailed", "the query failed: timed out")
    assert quantity(found, "workingSet").outcome == "NotRecorded"


def test_a_run_without_series_has_one_reason_and_no_row(bundle: Bundle):
    found = used(bundle)
    assert found.reason is not None
    assert (found.quantities, found.replicas) == ((), None)


def test_without_cadvisor_the_working_set_is_what_metrics_server_served(bundle: Bundle):
    """Readings at the syncs of an HPA on memory, every 15 s over windows of 10 s; cAdvisor counts before them."""
    def reading(second: int) -> MetricsSeen:
        samples = (MetricSample(FIRST, "memory", f"{100 + max(second, 0)}Mi", "server", None, 10 * 10 ** 9),
                   MetricSample(FIRST, "memory", "7Mi", "sidecar"), MetricSample(FIRST, "cpu", "20m", "server"))
        instant = ORIGIN + second * 10 ** 9
        return MetricsSeen(instant, instant, "metrics.k8s.io", ("memory",), samples, None)
    readings = tuple(reading(second) for second in range(-15, 241, 15))
    recorded = replace(bundle, observations=(*bundle.observations, *readings))
    found = quantity(used(recorded, scraped(SeriesName.WORKING_SET)), "workingSet")
    assert (found.jobs, found.metric, found.resolution_seconds) == (("metrics.k8s.io",), "metrics.k8s.io memory", 25)
    assert [level.peak for level in row(found, Of.ALL_PODS).levels] == [
        100 * MIB, 115 * MIB, 175 * MIB, 235 * MIB, 265 * MIB, 325 * MIB]
    better = scraped(SeriesName.WORKING_SET, of_pod(FIRST, lambda _: MIB, container="server", job="kubelet"))
    assert quantity(used(recorded, better), "workingSet").jobs == ("kubelet",)


def test_a_teams_series_is_tabled_without_adding_what_may_not_be_added(bundle: Bundle):
    own = (OwnSeries("gpu-power", "W", 'sum by (pod, gpu) (x{pod=~"$pods"})'), OwnSeries("nothing", "1", "y"))
    series = scraped("gpu-power", of_pod(FIRST, lambda _: 300, gpu="0"), of_pod(FIRST, lambda _: 310, gpu="1"))
    found = used(bundle, series, scraped("nothing"), own=own)
    power, nothing = found.quantities[-2:]
    assert (power.name, power.unit, power.metric, power.group) == ("gpu-power", "W", own[0].query, "Own")
    (only,) = power.rows
    assert (only.of, only.peak) == (Of.HIGHEST_POD, 310)
    assert len({line.name for line in power.lines}) == 2
    assert (nothing.outcome, nothing.reason) == ("NoData", "the query returned no series")


def test_many_pods_are_drawn_as_a_band_and_every_peak_is_kept(bundle: Bundle):
    pods = [f"pod-{index}" for index in range(20)]
    def value(index: int):
        return lambda time: 1000.0 if index == 13 and time == 101.0 else float(index)
    series = tuple(labelled({"pod": pod}, value(index), grid(-20, 220, 0.5)) for index, pod in enumerate(pods))
    own = (OwnSeries("x", "1", "x"),)
    (found,) = [one for one in used(bundle, scraped("x", *series, step=0.5), own=own).quantities if one.name == "x"]
    assert [line.name for line in found.lines] == ["lowest", "median", "highest"]
    assert len(found.seconds) <= 150
    assert {round(after - before, 3) for before, after in pairwise(found.seconds)} == {2.0}
    assert max(found.lines[2].values, key=lambda one: one or 0) == 1000


class TestHeatMap:
    """Rows are Pods, columns intervals."""

    def test_each_pod_has_a_row_in_the_order_in_which_they_came(self, bundle: Bundle):
        found = used(bundle, scraped(SeriesName.WAITING, *(of_pod(pod, lambda _: 3) for pod in LIVES)),
                     scraped(SeriesName.RUNNING, *(of_pod(pod, lambda _: 4) for pod in LIVES))).replicas
        assert found is not None
        assert [one.pod for one in found.rows] == [FIRST, SECOND_POD, THIRD, FOURTH]
        first, second = found.rows[:2]
        assert len(first.waiting) == len(found.seconds) <= 150
        assert set(first.waiting) == {3}
        assert second.waiting[0] is None, "it was not there yet"
        assert (first.mean_waiting, first.peak_running) == (3, 4)
        assert set(first.kv_cache_percent) == {None}
        assert found.busiest_percent == found.even_percent

    def test_uneven_balancing_is_a_number(self, bundle: Bundle):
        """From 120 to 180 s, with four replicas, all 40 requests wait on the first."""
        pinned = between(120, 180, 40.0, 0.0)
        series = [of_pod(FIRST, pinned), *(of_pod(pod, lambda _: 0) for pod in (SECOND_POD, THIRD, FOURTH))]
        found = used(bundle, scraped(SeriesName.WAITING, *series)).replicas
        assert found is not None
        assert (found.busiest_percent, found.even_percent) == (100, 25)
        assert found.rows[0].waiting_seconds == 60

    def test_of_many_pods_those_on_which_most_waited_have_rows_of_their_own(self, bundle: Bundle):
        names = [f"pod-{index:03}" for index in range(100)]
        series = [LabelledSamples({"pod": name}, ((ORIGIN, float(index)), (ORIGIN + 2 * 10 ** 9, 1.0)))
                  for index, name in enumerate(names)]
        nobody = replace(bundle, observations=())
        found = used(nobody, scraped(SeriesName.WAITING, *series)).replicas
        assert found is not None
        assert len(found.rows) == 40
        assert [one.pod for one in found.rows[:-1]] == names[-39:]
        assert (found.rows[-1].others, found.rows[-1].waiting[0]) == (61, 60)


def test_a_thousand_pods_cost_little(bundle: Bundle):
    nobody = replace(bundle, observations=())
    times = grid(-20, 220)
    series = tuple(labelled({"pod": f"pod-{index}"}, lambda time: time + 100, times) for index in range(1000))
    run = derive_run(replace(nobody, series=tuple(
        scraped(name, *series) for name in (SeriesName.PROCESS_MEMORY, SeriesName.PROCESS_CPU, SeriesName.WAITING))))
    began = perf_counter()
    measured = measurements(run)
    found = resources_used(run, measured)
    assert quantity(found, "processMemory").pods == 1000
    assert saturation_table(run, measured) is not None
    assert perf_counter() - began < 5
