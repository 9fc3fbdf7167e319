"""Parses an autoscaling/v2 spec, as a person or the API server wrote it, into an HpaSpec.

It refuses what the API server of Kubernetes 1.35 would refuse (with HPAScaleToZero off unless stated otherwise) and
fills in the same defaults. Rules: pkg/apis/autoscaling/validation and pkg/apis/autoscaling/v2/defaults.go.
"""
from __future__ import annotations

from dataclasses import replace

from elastometer.hpa.metric_source import metric_from
from elastometer.hpa.quantity import approximate, sign
from elastometer.hpa.reading import Node
from elastometer.hpa.settings import (
    Behavior,
    ControllerSettings,
    HpaSpec,
    Metric,
    MetricType,
    Policy,
    PolicyType,
    ScalingRules,
    SelectPolicy,
    TargetType,
)
from elastometer.model.document import Document, text_at
from elastometer.model.errors import SpecError

_FLAGS = ("tolerance", "downscaleStabilizationSeconds", "cpuInitializationPeriodSeconds",
          "initialReadinessDelaySeconds", "syncPeriodSeconds", "featureGates")
MAX_PERIOD_SECONDS = 1800
MAX_WINDOW_SECONDS = 3600
# The API server's own defaults (pkg/apis/autoscaling/v2/defaults.go). The window of scaleDown is None because it comes
# from the controller's flag --horizontal-pod-autoscaler-downscale-stabilization.
_DEFAULT_METRIC = Metric(MetricType.RESOURCE, "cpu", TargetType.UTILIZATION, 80)
DEFAULT_SCALE_UP = ScalingRules(
    (Policy(PolicyType.PODS, 4, 15), Policy(PolicyType.PERCENT, 100, 15)), SelectPolicy.MAX, 0)
DEFAULT_SCALE_DOWN = ScalingRules((Policy(PolicyType.PERCENT, 100, 15),), SelectPolicy.MAX, None)


def parse_hpa(document: Document, controller: ControllerSettings | None = None) -> HpaSpec:
    """Parses a HorizontalPodAutoscaler object, or its spec alone. Raises SpecError with every flaw.

    An object with a uid was served by the API server, which has then accepted minReplicas 0 if the object has it.
    Fields that are not read here are passed over, since a newer API server may serve them; where nobody else checks
    what a person wrote, `model.shapes` does.
    """
    flaws: list[str] = []
    spec = document.get("spec") if "spec" in document else document
    settings = controller or ControllerSettings()
    if text_at(document, "metadata", "uid"):
        settings = replace(settings, scale_to_zero=True)
    parsed = hpa_from(Node(spec, "spec", flaws), settings)
    if flaws:
        raise SpecError(*flaws)
    return parsed


def controller_from(node: Node) -> ControllerSettings:
    """The controller's flags by their names in a trace. Each must be given, since a default would hide a mistake. Flaws
    are noted in the node."""
    node.only(*_FLAGS)
    node.at("featureGates").only("HPAScaleToZero")
    gate = node.at("featureGates").at("HPAScaleToZero")
    return ControllerSettings(
        tolerance=_not_negative(node.at("tolerance")),
        downscale_stabilization_seconds=_not_negative(node.at("downscaleStabilizationSeconds")),
        cpu_initialization_seconds=_not_negative(node.at("cpuInitializationPeriodSeconds")),
        initial_readiness_delay_seconds=_not_negative(node.at("initialReadinessDelaySeconds")),
        sync_period_seconds=_not_negative(node.at("syncPeriodSeconds")),
        scale_to_zero=gate.flag_or_false(),
    )


def _not_negative(node: Node) -> float:
    value = node.number()
    if value < 0:
        node.refuse("must not be negative")
    return value


def hpa_from(node: Node, controller: ControllerSettings) -> HpaSpec:
    """The spec. Flaws are noted in the node."""
    lower, upper = node.at("minReplicas"), node.at("maxReplicas")
    minimum = 1 if lower.absent else lower.whole(0)
    if minimum == 0 and lower.value == 0 and not controller.scale_to_zero:
        lower.refuse("must be at least 1 (0 needs the feature gate HPAScaleToZero)")
    maximum = upper.whole(1)
    if maximum and maximum < minimum:
        upper.refuse(f"must be at least minReplicas ({minimum})")
    _check_reference(node.at("scaleTargetRef"))
    metrics = tuple(metric_from(item) for item in node.at("metrics").items()) or (_DEFAULT_METRIC,)
    if minimum == 0 and not any(metric.type in (MetricType.OBJECT, MetricType.EXTERNAL) for metric in metrics):
        node.at("metrics").refuse("must hold an Object or External metric where minReplicas is 0")
    behavior = node.at("behavior")
    return HpaSpec(minimum, maximum, metrics, None if behavior.absent else _behavior(behavior), controller)


def _check_reference(node: Node) -> None:
    """What is scaled. The API server requires an API group for every kind except ReplicationController."""
    kind, version = node.at("kind"), node.at("apiVersion")
    kind.path_segment()
    node.at("name").path_segment()
    text = "" if version.absent else version.text(may_be_empty=True)
    if text.count("/") > 1 or (kind.value != "ReplicationController" and (not text.count("/") or text[0] == "/")):
        version.refuse("must be an API group and a version, such as apps/v1")


def _behavior(node: Node) -> Behavior:
    return Behavior(
        _rules(node.at("scaleUp"), DEFAULT_SCALE_UP), _rules(node.at("scaleDown"), DEFAULT_SCALE_DOWN))


def _rules(node: Node, default: ScalingRules) -> ScalingRules:
    if node.absent:
        return default
    window, select, policies = node.at("stabilizationWindowSeconds"), node.at("selectPolicy"), node.at("policies")
    given = tuple(_policy(item) for item in policies.items())
    if not policies.absent and policies.value == []:
        policies.refuse("must hold at least one policy")
    return ScalingRules(
        default.policies if policies.absent else given,
        default.select if select.absent else select.one_of(SelectPolicy, SelectPolicy.MAX),
        default.stabilization_seconds if window.absent else window.whole(0, MAX_WINDOW_SECONDS),
        _tolerance(node.at("tolerance")),
    )


def _policy(node: Node) -> Policy:
    return Policy(
        node.at("type").one_of(PolicyType, PolicyType.PODS), node.at("value").whole(1),
        node.at("periodSeconds").whole(1, MAX_PERIOD_SECONDS))


def _tolerance(node: Node) -> float | None:
    if node.absent:
        return None
    text = node.quantity_text()
    if sign(text) < 0:
        node.refuse("must not be negative")
    return approximate(text)
