"""Metadata of every child: labels, and the test as owner, so that the garbage collector deletes it. Pure."""

from __future__ import annotations

from typing import Any

from elastometer.model.names import API_VERSION, KIND
from elastometer.plan import TestPlan

Json = dict[str, Any]


def metadata(plan: TestPlan, name: str, component: str) -> Json:
    """Metadata of a child of the test."""
    names = plan.names
    return {
        "name": name,
        "namespace": names.namespace,
        "labels": names.labels(component),
        "ownerReferences": [
            {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "name": names.test,
                "uid": names.uid,
                "controller": True,
                # True needs the right to update the finalizers of the owner, where OwnerReferencesPermissionEnforcement
                # is on (OpenShift), and would only delay the deletion of the test.
                "blockOwnerDeletion": False,
            }
        ],
    }
