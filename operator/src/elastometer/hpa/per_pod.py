"""Proposals of metrics that have one value per Pod: Resource, ContainerResource, Pods.

Pods without a sample count as if they were idle when more replicas are asked for, and as if they met the target (or
used all that they request) when fewer are; Pods that are not ready count as idle when more are asked for.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from elastometer.hpa.arithmetic import ceiling32, divide, int32, int64, quotient
from elastometer.hpa.decision import Proposal
from elastometer.hpa.grouping import Groups, group
from elastometer.hpa.look import Look, PodLook
from elastometer.hpa.settings import HpaSpec, Metric, MetricType, TargetType
from elastometer.hpa.tolerance import Tolerances, held_back_by

# Values per Pod -> ratio to the target, and the value to publish; None where there is nothing to divide by.
_Measure = Callable[[Mapping[str, int]], tuple[float, int] | None]


def propose(index: int, metric: Metric, spec: HpaSpec, look: Look, tolerances: Tolerances) -> Proposal | None:
    """None where no number can be told."""
    answer = look.metrics[index]
    if answer.error is not None or not answer.samples or not look.pods:
        return None
    resource = None if metric.type is MetricType.PODS else metric.name
    groups = group(look.pods, answer.samples, resource, look.at, spec.controller)
    requests = _requests(look.pods, metric) if metric.target_type is TargetType.UTILIZATION else {}
    if not groups.samples or requests is None:
        return None
    if metric.target_type is TargetType.UTILIZATION:
        measure: _Measure = partial(_utilization, requests, metric.target)
    else:
        measure = partial(_average, metric.target)
    first = measure(groups.samples)
    if first is None:
        return None
    ratio, value = first
    bare = ceiling32(ratio * look.spec_replicas)
    counted = _counted(groups, requests, metric, ratio)
    if counted is None:
        replicas = look.spec_replicas if tolerances.hold(ratio) else ceiling32(ratio * groups.ready)
    else:
        second = measure(counted)
        if second is None:
            return None
        replicas = _damped(ratio, second[0], len(counted), look.spec_replicas, tolerances)
    return Proposal(
        index, metric.name, value, ratio, bare, replicas, groups.ready, len(groups.unready), len(groups.missing),
        len(groups.ignored), held_back_by(bare, replicas, tolerances.hold(ratio)))


def _requests(pods: tuple[PodLook, ...], metric: Metric) -> dict[str, int] | None:
    """Every Pod must request the resource, also one that does not count."""
    requests: dict[str, int] = {}
    for pod in pods:
        asked: Mapping[str, int] | None = pod.requests
        if metric.container is not None and pod.container_requests is not None:
            asked = pod.container_requests.get(metric.container)
        if asked is None or metric.name not in asked:
            return None
        requests[pod.name] = asked[metric.name]
    return requests


def _utilization(requests: Mapping[str, int], target: int, values: Mapping[str, int]) -> tuple[float, int] | None:
    """The sum's share of the requests' sum in whole percent, before it is divided by the target."""
    known = [name for name in values if name in requests]
    requested = int64(sum(requests[name] for name in known))
    if requested == 0:
        return None
    used = int64(sum(values[name] for name in known))
    percent = int32(quotient(int64(used * 100), requested))
    return divide(float(percent), float(target)), percent


def _average(target: int, values: Mapping[str, int]) -> tuple[float, int]:
    """The mean in whole milli-units, before it is divided by the target."""
    mean = quotient(int64(sum(values.values())), len(values))
    return divide(float(mean), float(target)), mean


def _counted(groups: Groups, requests: Mapping[str, int], metric: Metric, ratio: float) -> dict[str, int] | None:
    """The samples with those that are assumed; None where the plain mean decides."""
    idle_unready = bool(groups.unready) and ratio > 1.0
    if not idle_unready and not groups.missing:
        return None
    counted = dict(groups.samples)
    if ratio < 1.0:
        counted.update((name, _assumed(requests.get(name), metric)) for name in groups.missing)
    elif ratio > 1.0:
        counted.update(dict.fromkeys(groups.missing, 0))
    if idle_unready:
        counted.update(dict.fromkeys(groups.unready, 0))
    return counted


def _assumed(request: int | None, metric: Metric) -> int:
    """What a Pod without a sample is taken to use when fewer replicas are asked for."""
    if request is None:
        return metric.target
    return quotient(int64(request * max(100, metric.target)), 100)


def _damped(ratio: float, damped_ratio: float, counted: int, current: int, tolerances: Tolerances) -> int:
    """The assumptions may make a change smaller; they never turn its direction."""
    turned = (ratio < 1.0 < damped_ratio) or (damped_ratio < 1.0 < ratio)
    if tolerances.hold(damped_ratio) or turned:
        return current
    replicas = ceiling32(damped_ratio * counted)
    against = (damped_ratio < 1.0 and replicas > current) or (damped_ratio > 1.0 and replicas < current)
    return current if against else replicas
