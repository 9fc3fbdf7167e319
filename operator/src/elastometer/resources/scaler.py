"""The autoscaler under test: a HorizontalPodAutoscaler, or KEDA's ScaledObject that makes one. Pure."""

from __future__ import annotations

from typing import Any, assert_never

from elastometer.model.autoscalers import keda_autoscaler_name
from elastometer.model.names import SERVER
from elastometer.model.spec import ScalerType
from elastometer.plan import TestPlan
from elastometer.resources.ownership import metadata

Json = dict[str, Any]
HPA_FIELDS = ("minReplicas", "maxReplicas", "metrics", "behavior")


def scaler(plan: TestPlan) -> Json | None:
    """The autoscaler's manifest; None where the test has none. The user's fields are passed through unchanged."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": plan.names.server}
    head = {"metadata": metadata(plan, plan.names.server, SERVER)}
    match plan.spec.scaler.type:
        case ScalerType.HPA:
            body = {key: value for key, value in plan.spec.scaler.body.items() if key in HPA_FIELDS}
            return {
                "apiVersion": "autoscaling/v2",
                "kind": "HorizontalPodAutoscaler",
                **head,
                "spec": {"scaleTargetRef": target, **body},
            }
        case ScalerType.KEDA:
            return {
                "apiVersion": "keda.sh/v1alpha1",
                "kind": "ScaledObject",
                **head,
                "spec": {**plan.spec.scaler.body, "scaleTargetRef": target},
            }
        case ScalerType.NONE:
            return None
        case other:
            assert_never(other)


def autoscaler_name(plan: TestPlan) -> str | None:
    """The name that the HorizontalPodAutoscaler will have, which for a ScaledObject KEDA creates; None without one."""
    match plan.spec.scaler.type:
        case ScalerType.HPA:
            return plan.names.server
        case ScalerType.KEDA:
            return keda_autoscaler_name(plan.names.test, plan.spec.scaler.body)
        case ScalerType.NONE:
            return None
        case other:
            assert_never(other)
