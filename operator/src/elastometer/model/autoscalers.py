"""Which HorizontalPodAutoscaler of a namespace is the one under test, whatever its name, and which others fight it.

KEDA may be told to use another name for the one that it makes, or to take over one that exists. So neither its name nor
a label identifies it, but its owner does: the test itself, or the test's ScaledObject.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from elastometer.model.document import Document, at, document_at, documents_at, text_at
from elastometer.model.names import server_name
from elastometer.model.observation import ObjectKind

# A ScaledObject's HorizontalPodAutoscaler, unless the ScaledObject has a name for it.
KEDA_PREFIX = "keda-hpa-"
Served = TypeVar("Served", bound=Mapping[str, Any])


def keda_autoscaler_name(test: str, scaled_object: Document) -> str:
    """The name that KEDA gives to what it makes for the test's ScaledObject; `scaled_object` is its spec."""
    given = text_at(scaled_object, "advanced", "horizontalPodAutoscalerConfig", "name")
    return given or f"{KEDA_PREFIX}{server_name(test)}"


def aims_at(autoscaler: Document, deployment: str) -> bool:
    """Whether it scales the Deployment."""
    target = document_at(autoscaler, "spec", "scaleTargetRef")
    return text_at(target, "name") == deployment and target.get("kind") == ObjectKind.DEPLOYMENT


def under_test(autoscalers: Iterable[Served], test: str, uid: str, scaled_object: Document | None) -> Served | None:
    """The one that belongs to the test of this uid. `scaled_object` is the test's own as served, if one was seen: what
    an earlier ScaledObject of the same name left does not count. KEDA also states the name in its status."""
    found = [one for one in autoscalers if aims_at(one, server_name(test))]
    owned = (one for one in found if _is_owned(one, test, uid, scaled_object))
    named = text_at(scaled_object, "status", "hpaName")
    return next(owned, None) or next((one for one in found if named and _name(one) == named), None)


def _is_owned(autoscaler: Document, test: str, uid: str, scaled_object: Document | None) -> bool:
    for owner in documents_at(autoscaler, "metadata", "ownerReferences"):
        if owner.get("uid") == uid:
            return True
        if (owner.get("kind"), owner.get("name")) == (ObjectKind.SCALED_OBJECT, server_name(test)):
            return scaled_object is None or owner.get("uid") == at(scaled_object, "metadata", "uid")
    return False


def rivals(autoscalers: Iterable[Served], test: str, mine: Document | None) -> tuple[str, ...]:
    """Names of the others that scale the test's Deployment and are not being deleted."""
    return tuple(sorted(
        _name(one) for one in autoscalers
        if aims_at(one, server_name(test)) and at(one, "metadata", "deletionTimestamp") is None
        and (mine is None or _name(one) != _name(mine))))


def _name(item: Document) -> str:
    return text_at(item, "metadata", "name") or ""
