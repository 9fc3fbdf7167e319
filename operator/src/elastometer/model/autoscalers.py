"""Which HorizontalPodAutoscaler of a namespace is the one under test, whatever its name, and which others fight it.

KEDA can give another name to the one that it makes, or take over one that exists. So neither its name nor
a label identifies it, but its owner does: the test itself, or the test's ScaledObject.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from elastometer.model.document import Document, at, document_at, documents_at, text_at
from elastometer.model.names import server_name
from elastometer.model.observation import ObjectKind

# `spec.autoscaler.type` of a target whose number of replicas is fixed.
NO_AUTOSCALER = "None"
# A ScaledObject's HorizontalPodAutoscaler, unless the ScaledObject has a name for it.
KEDA_PREFIX = "keda-hpa-"
NAME_PATH = "advanced.horizontalPodAutoscalerConfig.name"
MAX_NAME_CHARACTERS = 253  # of a DNS subdomain, which the name of a HorizontalPodAutoscaler must be
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
Served = TypeVar("Served", bound=Mapping[str, Any])


def keda_autoscaler_name(test: str, scaled_object: Document) -> str:
    """The name that KEDA gives to what it makes for the test's ScaledObject; `scaled_object` is its spec."""
    return text_at(scaled_object, *NAME_PATH.split(".")) or f"{KEDA_PREFIX}{server_name(test)}"


def name_flaws(scaled_object: Document, path: str) -> list[str]:
    """Why KEDA could make no HorizontalPodAutoscaler of the given name, which neither it nor the API server checks."""
    given = at(scaled_object, *NAME_PATH.split("."))
    if given is None or given == "":
        return []
    if isinstance(given, str) and len(given) <= MAX_NAME_CHARACTERS and _SUBDOMAIN.fullmatch(given):
        return []
    return [f"{path}.{NAME_PATH}: must be at most {MAX_NAME_CHARACTERS} characters of a-z, 0-9, '-' and '.', beginning "
            f"and ending with a letter or digit, is {str(given)[:MAX_NAME_CHARACTERS]!r}"]


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
