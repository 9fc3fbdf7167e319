"""Judging is linear in Pods: what is looked up in the record for each of them does not grow with their number."""
from __future__ import annotations

import pytest

from elastometer.analysis.analyze import judge
from elastometer.model.report import Report
from support.many_pods import Counted, is_never_ready, many_pods, name_of, took, with_syncs

FEW = 250


def reads_of(pods: int) -> int:
    bundle = many_pods(pods)
    Counted.reads = 0
    judge(bundle)
    return Counted.reads


@pytest.mark.parametrize("times", [2, 4, 8])
def test_twice_the_pods_are_twice_the_reads_of_the_record(times: int):
    assert reads_of(times * FEW) <= 1.05 * times * reads_of(FEW)


def test_more_syncs_do_not_read_every_pod_again():
    few, many = with_syncs(many_pods(FEW), 20), with_syncs(many_pods(FEW), 120)
    Counted.reads = 0
    assert len(judge(few).autoscaler.rows) >= 19
    first = Counted.reads
    assert len(judge(many).autoscaler.rows) >= 119
    assert Counted.reads - first < 1.5 * first


@pytest.fixture(scope="module")
def report() -> Report:
    return judge(many_pods(1000))


def test_every_pod_is_in_the_report_with_its_own_numbers(report: Report):
    assert sorted(one.pod for one in report.cold_starts) == sorted(map(name_of, range(1000)))
    for one in report.cold_starts:
        number = int(one.pod.rpartition("-")[2])
        expected = None if is_never_ready(number) else took(number)
        assert one.cold_start.milliseconds == expected


def test_the_curve_of_serving_replicas_counts_a_pod_of_each_slice_once(report: Report):
    served = [number for number in range(1000) if not is_never_ready(number)]
    assert max(value for _, value in report.timeline.serving) == len(served)
    assert report.timeline.serving[-1][1] == len(served)
