"""The calibration that a test refers to: read once, before anything is created, from what its run left.

A finished test keeps its calibration in the ConfigMap of its report. The copy that is recorded with the run is what the
run is judged by; the other test may be deleted then.
"""

from __future__ import annotations

from typing import Any

import orjson

from elastometer.controller.inputs import Unusable
from elastometer.model import reasons
from elastometer.model.calibration import CALIBRATION_JSON, calibration_from, other_settings
from elastometer.model.demand_terms import REFERENCE, demand_terms
from elastometer.model.document import document_at
from elastometer.model.names import Names
from elastometer.plan import TestPlan
from elastometer.world.cluster import Cluster
from elastometer.world.redaction import spec_without_secrets

Json = dict[str, Any]
PATH = f"spec.demand.{REFERENCE}.name"


async def read_calibration(plan: TestPlan, cluster: Cluster) -> Json | None:
    """The calibration as its run wrote it; None if the test refers to none. Raises Unusable."""
    name = demand_terms({"spec": plan.spec.raw}).calibration
    if name is None:
        return None
    report = Names(plan.names.namespace, name, "").report
    found = await cluster.get("v1", "ConfigMap", plan.names.namespace, report)
    text = None if found is None else (found.get("data") or {}).get(CALIBRATION_JSON)
    document = _document(text)
    calibration = None if document is None else calibration_from(document)
    if document is None or calibration is None:
        why = "does not exist" if found is None else f"has no usable {CALIBRATION_JSON}"
        raise Unusable(reasons.CALIBRATION_UNUSABLE, (
            f"{PATH}: must be a finished ElasticityTest that calibrated one replica, is '{name}', whose ConfigMap "
            f"{report} {why}; `elastometer calibrate` makes such a test, and its report says why it found nothing"))
    if flaws := list(other_settings(calibration, document_at(spec_without_secrets(plan.spec.raw), "target"))):
        raise Unusable(reasons.CALIBRATION_UNUSABLE, "; ".join(flaws))
    return document


def _document(text: str | None) -> Json | None:
    try:
        found = orjson.loads(text or "null")
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
