"""Proposals of metrics that have one value per Pod: Resource, ContainerResource, Pods.

When the metric asks for more replicas, Pods without a sample and Pods that are not ready count as idle. When it asks
for fewer, Pods without a sample count as if they met the target (or used all that they request). The result is the
cautious one in both directions. Follows `GetResourceReplicas` and `calcPlainMetricReplicas` in replica_calculator.go.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from elastometer.hpa.arithmetic import ceiling32, divide, int32, int64, quotient
from elastometer.hpa.decision import Proposal
from elastometer.hpa.grouping import Groups, group
from elastometer.hpa.settings import HpaSpec, Metric, MetricType, TargetType
from elastometer.hpa.sync import PodInput, SyncInput
from elastometer.hpa.tolerance import Tolerances, held_back_by


class _Average(NamedTuple):
    """The mean in whole milli-units against a target of milli-units."""

    target: int

    def measure(self, values: Mapping[str, int]) -> tuple[float, int] | None:
        """The ratio to the target, and the value that the status publishes."""
        mean = quotient(int64(sum(values.values())), len(values))
        return divide(float(mean), float(self.target)), mean

    def assumed(self, _: str) -> int:
        """What a Pod without a sample is assumed to use when the metric asks for fewer replicas."""
        return self.target


class _Utilization(NamedTuple):
    """The sum of the values as a share of the sum of the requests, in whole percent (cut), against a target percent."""

    target: int
    requests: Mapping[str, int]

    def measure(self, values: Mapping[str, int]) -> tuple[float, int] | None:
        """None if nothing is requested. Pods that are not in the sync's list are left out."""
        requests = self.requests
        known = [name for name in values if name in requests]
        requested = int64(sum(requests[name] for name in known))
        if requested == 0:
            return None
        used = int64(sum(values[name] for name in known))
        percent = int32(quotient(int64(used * 100), requested))
        return divide(float(percent), float(self.target)), percent

    def assumed(self, pod: str) -> int:
        """At least the whole request: with a target above 100 %, a Pod without a sample counts as on target."""
        return quotient(int64(self.requests[pod] * max(100, self.target)), 100)


def propose(index: int, metric: Metric, spec: HpaSpec, sync: SyncInput, tolerances: Tolerances) -> Proposal | None:
    """None if the metric cannot be evaluated."""
    answer, current = sync.metrics[index], sync.spec_replicas
    if answer.error is not None or not answer.samples or not sync.pods:
        return None
    resource = None if metric.type is MetricType.PODS else metric.name
    groups = group(sync.pods, answer.samples, resource, sync.at, spec.controller)
    scale = _scale(metric, sync.pods)
    first = scale.measure(groups.samples) if scale is not None and groups.samples else None
    if scale is None or first is None:
        return None
    ratio, value = first
    held = tolerances.hold(ratio)
    # The published value and ratio are those of the samples that count. Where some are assumed, only the number of
    # replicas is computed from a second measurement, which includes them.
    counted = _counted(groups, scale, ratio)
    if counted is None:
        replicas = current if held else ceiling32(ratio * groups.ready)
    else:
        second = scale.measure(counted)
        if second is None:
            return None
        replicas = _damped(ratio, second[0], tolerances, counted=len(counted), current=current)
    unclamped = ceiling32(ratio * current)
    return Proposal(
        index, metric.name, value, ratio, unclamped, replicas, groups.ready, len(groups.unready), len(groups.missing),
        len(groups.ignored), held_back_by(unclamped, replicas, held))


def _scale(metric: Metric, pods: tuple[PodInput, ...]) -> _Average | _Utilization | None:
    """What the values are compared with; None if a Pod states no request for the resource."""
    if metric.target_type is not TargetType.UTILIZATION:
        return _Average(metric.target)
    requests = _requests(pods, metric)
    return None if requests is None else _Utilization(metric.target, requests)


def _requests(pods: tuple[PodInput, ...], metric: Metric) -> dict[str, int] | None:
    """The request of each Pod. Every Pod must state one, even a Pod that is ignored; otherwise the metric fails."""
    requests: dict[str, int] = {}
    for pod in pods:
        asked: Mapping[str, int] | None = pod.requests
        if metric.container is not None and pod.container_requests is not None:
            asked = pod.container_requests.get(metric.container)
        if asked is None or metric.name not in asked:
            return None
        requests[pod.name] = asked[metric.name]
    return requests


def _counted(groups: Groups, scale: _Average | _Utilization, ratio: float) -> dict[str, int] | None:
    """The samples together with the assumed ones; None if no assumption is needed and the plain mean decides."""
    idle_unready = bool(groups.unready) and ratio > 1.0
    if not idle_unready and not groups.missing:
        return None
    counted = dict(groups.samples)
    if ratio < 1.0:
        counted.update((name, scale.assumed(name)) for name in groups.missing)
    elif ratio > 1.0:
        counted.update(dict.fromkeys(groups.missing, 0))
    if idle_unready:
        counted.update(dict.fromkeys(groups.unready, 0))
    return counted


def _damped(ratio: float, damped_ratio: float, tolerances: Tolerances, *, counted: int, current: int) -> int:
    """The assumptions may make a change smaller, but they never turn its direction."""
    turned = (ratio < 1.0 < damped_ratio) or (damped_ratio < 1.0 < ratio)
    if tolerances.hold(damped_ratio) or turned:
        return current
    replicas = ceiling32(damped_ratio * counted)
    against = (damped_ratio < 1.0 and replicas > current) or (damped_ratio > 1.0 and replicas < current)
    return current if against else replicas
