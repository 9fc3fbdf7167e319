"""The autoscaler under test is known by its owner; its name may be anything."""
from __future__ import annotations

from typing import Any

import pytest

from elastometer.model.autoscalers import keda_autoscaler_name, rivals, under_test

SCALED_OBJECT = {"metadata": {"name": "shop-server", "uid": "s2"}}
OF_THE_SCALED_OBJECT = ("ScaledObject", "shop-server", "s2")
OF_THE_TEST = ("ElasticityTest", "shop", "t1")


def hpa(called: str, owner: tuple[str, str, str] | None = None, **target: str) -> dict[str, Any]:
    kind, owner_name, uid = owner or ("", "", "")
    owners = [{"kind": kind, "name": owner_name, "uid": uid}] if owner else []
    aim = {"kind": "Deployment", "name": "shop-server", **target}
    return {"metadata": {"name": called, "ownerReferences": owners}, "spec": {"scaleTargetRef": aim}}


@pytest.mark.parametrize(("scaled_object", "autoscalers", "name"), [
    pytest.param(None, [hpa("shop-server", OF_THE_TEST)], "shop-server", id="of the test itself"),
    pytest.param(SCALED_OBJECT, [hpa("x"), hpa("renamed", OF_THE_SCALED_OBJECT)], "renamed", id="renamed by KEDA"),
    pytest.param(SCALED_OBJECT, [hpa("keda-hpa-shop-server", ("ScaledObject", "shop-server", "s1"))], None,
                 id="of a ScaledObject of the same name that is gone"),
    pytest.param(None, [hpa("renamed", OF_THE_SCALED_OBJECT)], "renamed", id="before the ScaledObject was seen"),
    pytest.param({**SCALED_OBJECT, "status": {"hpaName": "taken-over"}}, [hpa("taken-over")], "taken-over",
                 id="taken over by KEDA, which states its name"),
    pytest.param(SCALED_OBJECT, [hpa("a", OF_THE_SCALED_OBJECT, name="other")], None, id="aimed at another target"),
    pytest.param(SCALED_OBJECT, [hpa("a", OF_THE_SCALED_OBJECT, kind="StatefulSet")], None, id="or at another kind"),
    pytest.param(None, [hpa("a", ("ElasticityTest", "shop", "t0"))], None, id="of an earlier test of the same name"),
    pytest.param(None, [], None, id="none at all"),
])
def test_the_autoscaler_under_test_is_the_one_that_the_test_or_its_scaled_object_owns(
    scaled_object: dict[str, Any] | None, autoscalers: list[dict[str, Any]], name: str | None
) -> None:
    found = under_test(autoscalers, "shop", "t1", scaled_object)
    assert (found and found["metadata"]["name"]) == name


def test_every_other_autoscaler_of_the_target_is_a_rival_until_it_is_deleted() -> None:
    mine, leaving = hpa("mine", OF_THE_TEST), hpa("leaving")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    others = [hpa("b"), hpa("a", ("Deployment", "x", "y")), leaving, hpa("elsewhere", name="other-server")]
    assert rivals([mine, *others], "shop", mine) == ("a", "b")
    assert rivals([mine], "shop", None) == ("mine",)


def test_keda_names_its_autoscaler_after_the_scaled_object_unless_that_has_another_name_for_it() -> None:
    named = {"advanced": {"horizontalPodAutoscalerConfig": {"name": "keda-hpa-optimized-baseline"}}}
    assert keda_autoscaler_name("shop", {}) == "keda-hpa-shop-server"
    assert keda_autoscaler_name("shop", named) == "keda-hpa-optimized-baseline"
