"""Findings on the servers: each has a world in which it fires, and one beside it in which it must not.

    seconds   -30 …     0        30       90       150      180        240
    load      idle      calm     ramp     plateau  drop     (after)
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from elastometer.analysis.analyze import judge, judge_run
from elastometer.analysis.findings.facts import Facts
from elastometer.analysis.findings.of_servers.resources import resource_findings
from elastometer.analysis.findings.of_servers.server_log import pattern_of
from elastometer.analysis.run import derive_run
from elastometer.model.bundle import Bundle, SeriesName, SeriesResult
from elastometer.model.findings import FindingName
from elastometer.model.knee import Knee, KneeEnding, KneeStep
from elastometer.model.observation import LogSeen, ObjectKind, ObjectSeen, Observation, Sighting
from elastometer.model.report import Finding
from elastometer.model.request_table import RequestRows, table_of
from elastometer.model.resources_used import WindowKind
from elastometer.model.saturation import SaturationCell, SaturationColumn, SaturationRow, SaturationTable
from elastometer.model.terms import terms_from
from elastometer.model.units import SECOND
from elastometer.model.verdict import ObjectiveResult, Verdict
from elastometer.world.bundle_reader import load_bundle
from elastometer_loadgen.base.record import Outcome
from support.scraped import FIRST, ORIGIN, of_pod, scraped
from support.synthetic.run import write_run

MIB = 2 ** 20
OURS = frozenset({
    FindingName.OUT_OF_MEMORY, FindingName.MEMORY_GROWS, FindingName.MEMORY_NOT_RETURNED, FindingName.CPU_SATURATED,
    FindingName.PREEMPTIONS, FindingName.SERVER_WARNINGS, FindingName.QUOTA_EXCEEDED, FindingName.AUTOSCALER_ALTERED})
OOM = "(EngineCore_DP0 pid=9) ERROR 11-21 08:24:33 [core.py:1211] torch.OutOfMemoryError: CUDA out of memory. Tried"
DEAD = "ERROR 11-21 08:24:33 [async_llm.py:773] vllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    directory: Path = tmp_path_factory.mktemp("run")
    return load_bundle(write_run(directory))


def at(seconds: float) -> int:
    return ORIGIN + round(seconds * SECOND)


def found(bundle: Bundle, *series: SeriesResult, lines: tuple[Observation, ...] = ()) -> dict[str, Finding]:
    """Ours among the findings, by name."""
    report = judge(replace(bundle, series=series, observations=(*bundle.observations, *lines)))
    return {one.name: one for one in report.findings if one.name in OURS}


def process(memory: Callable[[float], float]) -> SeriesResult:
    return scraped(SeriesName.PROCESS_MEMORY, of_pod(FIRST, lambda time: MIB * memory(time)))


def log(seconds: float, text: str, pod: str = FIRST) -> LogSeen:
    return LogSeen(at(seconds), pod, "server", at(seconds), text)


def rewritten(bundle: Bundle, kind: ObjectKind, change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Bundle:
    """The bundle with each object of a kind changed."""
    return replace(bundle, observations=tuple(
        replace(seen, object=change(dict(seen.object))) if isinstance(seen, ObjectSeen) and seen.kind is kind else seen
        for seen in bundle.observations))


def failing(bundle: Bundle, stage: str, error: str) -> Bundle:
    """With the first request of a stage failed with HTTP 500 and this text."""
    records = list(RequestRows(table_of(bundle.requests)))
    index = next(number for number, one in enumerate(records) if one.stage == stage)
    records[index] = replace(records[index], status=500, error=error, outcome=Outcome.SERVER_ERROR)
    return replace(bundle, requests=records)


def test_a_clean_run_has_none_of_them(bundle: Bundle):
    assert found(bundle, process(lambda time: 100 + (10 if 0 <= time < 180 else 0)),
                 scraped(SeriesName.PREEMPTIONS, of_pod(FIRST, lambda _: 0.0)),
                 scraped(SeriesName.KV_CACHE, of_pod(FIRST, lambda _: 0.5))) == {}


class TestMemory:
    def test_growth_under_equal_load_that_stays_is_a_leak_with_its_slope(self, bundle: Bundle):
        """0.6 MiB a second from the load's start: within calm and plateau, whose load is constant, 18 and 36 MiB."""
        one = found(bundle, process(lambda time: 100 + 0.6 * max(0.0, time)))[FindingName.MEMORY_GROWS]
        assert one.evidence.startswith("54 MiB within parts of equal load (process_resident_memory_bytes): plateau: "
                                       "+36.0 MiB/min (+36.0 to +36.0); calm: +36.0 MiB/min")
        assert "stayed after the load" in one.evidence

    def test_memory_that_follows_the_load_and_returns_is_no_leak(self, bundle: Bundle):
        assert found(bundle, process(lambda time: 100 + (0.6 * time if 0 < time < 180 else 0))) == {}

    def test_memory_that_rose_at_once_and_stays_was_not_returned(self, bundle: Bundle):
        names = found(bundle, process(lambda time: 100 if time < 31 else 170))
        assert set(names) == {FindingName.MEMORY_NOT_RETURNED}
        one = names[FindingName.MEMORY_NOT_RETURNED]
        assert one.evidence == ("After 'drop', in which it was 70 MiB over idle, memory was not back within 58.0 s; "
                                "70 MiB stayed at the end of the record (process_resident_memory_bytes)")

    @pytest.mark.parametrize(("bound", "fires"), [(5_000, True), (20_000, False), (None, False)])
    def test_memory_that_is_back_late_counts_only_against_an_objective(
        self, bundle: Bundle, bound: int | None, fires: bool,
    ):
        objectives = [] if bound is None else [
            {"name": "back", "indicator": "MemoryReturn", "maximumMilliseconds": bound}]
        spec = {**bundle.spec["spec"], "objectives": objectives}
        terms = replace(bundle.terms, objectives=terms_from({"spec": spec}).objectives)
        names = found(replace(bundle, terms=terms), process(lambda time: 100 + (70 if 31 <= time < 192 else 0)))
        assert (FindingName.MEMORY_NOT_RETURNED in names) is fires
        if fires:
            assert "was back only after 12.0 s (± 4.00 s); 5 s were asked for" in \
                names[FindingName.MEMORY_NOT_RETURNED].evidence

    def test_what_an_allocator_keeps_is_no_finding(self, bundle: Bundle):
        assert found(bundle, process(lambda time: 100 if time < 31 else 120)) == {}


class TestOutOfMemory:
    def test_a_line_of_the_log_dates_it_and_names_the_stage(self, bundle: Bundle):
        one = found(bundle, lines=(log(100, OOM), log(101, OOM), log(101, DEAD)))[FindingName.OUT_OF_MEMORY]
        assert one.evidence.startswith(f"From +100.0 s in 'plateau' on, in {FIRST}: 2 lines of the log, first in")
        assert f"the engine of {FIRST} died" in one.evidence
        assert "Before that part: 0 of " in one.evidence
        assert "at most " in one.evidence

    def test_the_body_of_a_500_is_enough(self, bundle: Bundle):
        one = found(failing(bundle, "plateau", "CUDA out of memory. Tried to allocate"))[FindingName.OUT_OF_MEMORY]
        assert "in 'plateau' on" in one.evidence
        assert "1 failed request whose answer says so (HTTP 500)" in one.evidence

    def test_a_container_that_the_kernel_killed_is_named(self, bundle: Bundle):
        status = {"name": "server", "lastState": {"terminated": {"reason": "OOMKilled"}}}
        world = rewritten(bundle, ObjectKind.POD, lambda item: {
            **item, "status": {**item.get("status", {}), "containerStatuses": [status]}})
        assert "(OOMKilled)" in found(world)[FindingName.OUT_OF_MEMORY].evidence

    def test_the_lines_of_the_same_trouble_are_no_warnings_beside_it(self, bundle: Bundle):
        trace = (log(100, "ERROR 11-21 08:24:33 [core.py:1211] EngineCore encountered a fatal error."), log(100, OOM),
                 log(100.2, "ERROR 11-21 08:24:33 [async_llm.py:773] AsyncLLM output_handler failed."))
        assert set(found(bundle, lines=trace)) == {FindingName.OUT_OF_MEMORY}

    def test_another_error_and_a_dead_engine_alone_are_none(self, bundle: Bundle):
        assert FindingName.OUT_OF_MEMORY not in found(failing(bundle, "plateau", "internal error"))
        assert set(found(bundle, lines=(log(100, DEAD),))) == {FindingName.SERVER_WARNINGS}


class TestFull:
    def test_preemptions_are_counted_from_the_first_part_on_with_the_cache(self, bundle: Bundle):
        names = found(bundle, scraped(SeriesName.PREEMPTIONS, of_pod(FIRST, lambda time: 7.0 if time >= 100 else 0.0)),
                      scraped(SeriesName.KV_CACHE, of_pod(FIRST, lambda _: 0.97)))
        assert names[FindingName.PREEMPTIONS].evidence == \
            "7 preemptions, the first in 'plateau': plateau: 7 (KV cache up to 97 %)"

    def test_a_full_cpu_counts_where_its_clients_suffered(self, bundle: Bundle):
        """0.9 of a core of one, throughout; in ramp alone requests take half as long again or more."""
        world = rewritten(bundle, ObjectKind.POD, lambda item: {**item, "spec": {
            **item.get("spec", {}), "containers": [{"name": "server", "resources": {"limits": {"cpu": "1"}}}]}})
        full, busy = (scraped(SeriesName.PROCESS_CPU, of_pod(FIRST, lambda time, cores=cores: cores * (time + 100)))
                      for cores in (0.9, 0.7))
        one = found(world, full)[FindingName.CPU_SATURATED]
        assert one.evidence == \
            "Above 80 % of the container's limit of 1 core: ramp: CPU 90 % on average, above it for 60 of 60 s"
        assert FindingName.CPU_SATURATED not in found(world, busy)

    @pytest.mark.parametrize(("verdict", "failed", "fires"), [
        (Verdict.FAIL, None, True), (Verdict.PASS, None, False), (Verdict.FAIL, "latency p95 3 s exceeds 2 s", False)])
    def test_a_full_cpu_in_time_and_the_step_at_which_a_search_ends_are_none(
        self, bundle: Bundle, verdict: Verdict, failed: str | None, fires: bool,
    ):
        cell = SaturationCell("cpu", 1.0, 96.0, 100.0, 28.0)
        table = SaturationTable((SaturationColumn("cpu", "processCPU", "CPU", "cores", "1 core", True),), (
            SaturationRow("climb", WindowKind.STAGE, 30.0, (cell,), "cpu"),
            SaturationRow("climb 100", WindowKind.STEP, 30.0, (cell,), "cpu")))
        step = KneeStep(100, 0.0, 30.0, failed, None, 50, 99.0, 100.0, 1, 1, None)
        knee = Knee("climb", "Users", None, 200, KneeEnding.STEP_FAILED, (step,), None, (), 0)
        run = derive_run(bundle)
        objective = ObjectiveResult("o", "RequestLatency", verdict, "", None, None, "ms", 1, "climb 100")
        report = replace(judge_run(run), saturation=table, knees=(knee,), objectives=(objective,))
        facts = Facts(run, (), (), report.timeline, report.quality, (), report.autoscaler, (), report=report)
        assert bool(list(resource_findings(facts))) is fires


class TestLog:
    WARNING = "WARNING 11-21 08:24:33 [scheduler.py:77] Request {} waits for {} s"

    def test_a_new_warning_under_load_is_shown_by_its_pattern(self, bundle: Bundle):
        lines = tuple(log(100 + number, self.WARNING.format(f"req-{number}", number)) for number in range(3))
        one = found(bundle, lines=lines)[FindingName.SERVER_WARNINGS]
        assert one.severity == "Hint"
        assert one.evidence.startswith("3 lines of 1 pattern: 3 × from +100 s on: WARNING 11-21 08:24:33")

    def test_an_error_is_graver_and_comes_first(self, bundle: Bundle):
        lines = (*(log(100 + number, self.WARNING.format("a", number)) for number in range(3)),
                 log(120, "ERROR 11-21 08:24:33 [x.py:1] It broke"), log(121, "  its second line"))
        one = found(bundle, lines=lines)[FindingName.SERVER_WARNINGS]
        assert one.severity == "Warning"
        assert one.evidence.startswith("4 lines of 2 patterns: 1 × from +120 s on: ERROR")

    def test_what_a_start_prints_as_well_is_not_new(self, bundle: Bundle):
        lines = (log(-20, self.WARNING.format("req-1", 1)), log(100, self.WARNING.format("req-2", 2)))
        assert FindingName.SERVER_WARNINGS not in found(bundle, lines=lines)

    def test_lines_that_say_the_same_have_one_pattern(self):
        assert pattern_of(self.WARNING.format("cmpl-1a2b", 3.5)) == pattern_of(self.WARNING.format("cmpl-9f00", 12))
        assert pattern_of("WARNING a is slow") != pattern_of("WARNING b is gone")


class TestCluster:
    QUOTA = ('pods "demo-server-7f-x" is forbidden: exceeded quota: two-pods, requested: pods=1, used: pods=2, '
             "limited: pods=2")

    def event(self, message: str, count: int = 4) -> ObjectSeen:
        return ObjectSeen(at(95), ObjectKind.EVENT, Sighting.ADDED, {
            "metadata": {"name": "e", "uid": "e"}, "reason": "FailedCreate", "message": message, "count": count,
            "involvedObject": {"kind": "ReplicaSet", "name": "demo-server-7f"}})

    def test_a_quota_is_named_with_what_it_refused(self, bundle: Bundle):
        one = found(bundle, lines=(self.event(self.QUOTA),))[FindingName.QUOTA_EXCEEDED]
        assert one.evidence == ("From +95.0 s on, 4 attempts to create a Pod exceeded the quota 'two-pods' "
                                "(requested: pods=1, used: pods=2, limited: pods=2)")

    def test_another_reason_not_to_create_a_pod_is_no_quota(self, bundle: Bundle):
        assert FindingName.QUOTA_EXCEEDED not in found(bundle, lines=(self.event("admission webhook denied it"),))

    @staticmethod
    def asking(bundle: Bundle, **behavior: Any) -> Bundle:
        spec: Any = bundle.spec["spec"]
        scaler = spec["autoscaler"]
        body = {**scaler["horizontalPodAutoscaler"], "behavior": behavior}
        return replace(bundle, spec={**bundle.spec, "spec": {
            **spec, "autoscaler": {**scaler, "horizontalPodAutoscaler": body}}})

    @pytest.mark.parametrize(("served", "fires"), [(None, True), ("400m", False), ("0.4", False), ("0.1", True)])
    def test_a_tolerance_that_was_dropped_or_changed_is_found(self, bundle: Bundle, served: str | None, fires: bool):
        asked = self.asking(bundle, scaleUp={"tolerance": "0.4"})
        rules = {"stabilizationWindowSeconds": 0, **({} if served is None else {"tolerance": served})}
        world = rewritten(asked, ObjectKind.AUTOSCALER, lambda item: {
            **item, "spec": {**item["spec"], "behavior": {"scaleUp": rules}}})
        names = found(world)
        assert (FindingName.AUTOSCALER_ALTERED in names) is fires
        if fires:
            assert names[FindingName.AUTOSCALER_ALTERED].evidence == (
                f"behavior.scaleUp.tolerance: asked 0.4, served {served or 'nothing'}")
