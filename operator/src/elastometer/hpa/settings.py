"""The settings of an HPA: the controller's flags and one autoscaling/v2 spec, in whole milli-units as in Go."""
from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class MetricType(StrEnum):
    """`type` of a metric source in autoscaling/v2."""

    RESOURCE = "Resource"
    CONTAINER_RESOURCE = "ContainerResource"
    PODS = "Pods"
    OBJECT = "Object"
    EXTERNAL = "External"


class TargetType(StrEnum):
    """`target.type` of a metric source."""

    UTILIZATION = "Utilization"
    VALUE = "Value"
    AVERAGE_VALUE = "AverageValue"


class PolicyType(StrEnum):
    """Unit of a scaling policy's `value`."""

    PODS = "Pods"
    PERCENT = "Percent"


class SelectPolicy(StrEnum):
    """Which of several policies counts."""

    MAX = "Max"
    MIN = "Min"
    DISABLED = "Disabled"


@dataclass(frozen=True, slots=True)
class ControllerSettings:
    """Flags of kube-controller-manager with their defaults, in seconds. `scale_to_zero` is the feature gate
    HPAScaleToZero of the API server: whether minReplicas may be 0."""

    tolerance: float = 0.1
    downscale_stabilization_seconds: float = 300.0
    cpu_initialization_seconds: float = 300.0
    initial_readiness_delay_seconds: float = 30.0
    sync_period_seconds: float = 15.0
    scale_to_zero: bool = False


@dataclass(frozen=True, slots=True)
class Metric:
    """One entry of `spec.metrics`. `target` is percent of the request for Utilization, else milli-units."""

    type: MetricType
    name: str
    target_type: TargetType
    target: int
    container: str | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """At most `value` Pods, or percent of the replicas, in any `period_seconds`."""

    type: PolicyType
    value: int
    period_seconds: int


@dataclass(frozen=True, slots=True)
class ScalingRules:
    """`behavior.scaleUp` or `behavior.scaleDown`. None: the field is absent, and the controller's own value applies."""

    policies: tuple[Policy, ...]
    select: SelectPolicy = SelectPolicy.MAX
    stabilization_seconds: int | None = None
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class Behavior:
    """Both directions; the API server fills in the one that is not given."""

    scale_up: ScalingRules
    scale_down: ScalingRules


@dataclass(frozen=True, slots=True)
class HpaSpec:
    """A HorizontalPodAutoscalerSpec. Without `behavior` the controller takes an older code path with fixed limits."""

    minimum: int
    maximum: int
    metrics: tuple[Metric, ...]
    behavior: Behavior | None = None
    controller: ControllerSettings = field(default_factory=ControllerSettings)
