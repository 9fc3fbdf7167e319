"""Proposals of metrics that are one number for all Pods: Object and External, as a total or as an average per Pod.

Follows `GetObjectMetricReplicas`, `GetExternalMetricReplicas` and their per-Pod variants in replica_calculator.go.
"""
from __future__ import annotations

from elastometer.hpa.arithmetic import INT32_MAX, INT64_MAX, ceiling32, ceiling64, divide, int64
from elastometer.hpa.decision import Proposal
from elastometer.hpa.grouping import running_and_ready
from elastometer.hpa.settings import Metric, MetricType, TargetType
from elastometer.hpa.sync import MetricInput, SyncInput
from elastometer.hpa.tolerance import Tolerances, held_back_by


def propose(index: int, metric: Metric, sync: SyncInput, tolerances: Tolerances) -> Proposal | None:
    """None if the metric cannot be evaluated."""
    answer = sync.metrics[index]
    if answer.error is not None or not answer.values:
        return None
    if metric.target_type is TargetType.AVERAGE_VALUE:
        return _average(index, metric, _total(metric, answer), sync, tolerances)
    if metric.target_type is TargetType.VALUE:
        return _value(index, metric, _total(metric, answer), sync, tolerances)
    return None


def _total(metric: Metric, answer: MetricInput) -> int:
    """An Object metric has one value. Several External series are added up and capped where they overflow 64 bits; for
    an average, a sum below zero is taken for an overflow, too."""
    if metric.type is MetricType.OBJECT:
        return answer.values[0]
    total = 0
    for value in answer.values:
        if metric.target_type is TargetType.VALUE and value > 0 and total > INT64_MAX - value:
            return INT64_MAX
        total = int64(total + value)
        if metric.target_type is TargetType.AVERAGE_VALUE and total < 0:
            return INT64_MAX
    return total


def _value(index: int, metric: Metric, total: int, sync: SyncInput, tolerances: Tolerances) -> Proposal | None:
    """The ratio multiplies the number of ready Pods; at zero replicas it is itself the number of replicas."""
    ratio = divide(float(total), float(metric.target))
    current = sync.spec_replicas
    if current == 0:
        replicas = ceiling32(ratio)
        return Proposal(index, metric.name, total, ratio, replicas, replicas)
    held = tolerances.hold(ratio)
    if not held and not sync.pods:
        return None
    ready = running_and_ready(sync.pods)
    exact = ratio * ready
    # Ready Pods, not spec.replicas: a ratio of 2 means twice as many as those that share the load now.
    replicas = current if held else INT32_MAX if exact > INT32_MAX else ceiling32(exact)
    unclamped = ceiling32(ratio * current)
    return Proposal(
        index, metric.name, total, ratio, unclamped, replicas, ready_pods=ready, unready_pods=len(sync.pods) - ready,
        constraint=held_back_by(unclamped, replicas, held))


def _average(index: int, metric: Metric, total: int, sync: SyncInput, tolerances: Tolerances) -> Proposal:
    """The average is over `status.replicas`, not `spec.replicas`, and no Pod is read: Pods that are not ready count."""
    target, current = float(metric.target), sync.status_replicas
    ratio = divide(float(total), target * current)
    exact = divide(float(total), target)
    # Only the code path of External metrics checks for an overflow; an Object metric that overflows asks for a negative
    # number, as in the controller.
    unclamped = INT32_MAX if metric.type is MetricType.EXTERNAL and exact > INT32_MAX else ceiling32(exact)
    held = tolerances.hold(ratio)
    replicas = current if held else unclamped
    full = metric.type is MetricType.EXTERNAL and float(total) >= float(INT64_MAX)
    value = INT64_MAX if full else ceiling64(divide(float(total), float(current)))
    return Proposal(
        index, metric.name, value, ratio, unclamped, replicas, constraint=held_back_by(unclamped, replicas, held))
