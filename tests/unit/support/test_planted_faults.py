"""The planted faults spoil one field each, and a patch reaches it."""
from __future__ import annotations

import pytest

from elastometer.model.spec import parse
from support.planted_faults import FAULTS, Fault, patched, planted


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_test_is_accepted_and_its_patch_too(fault: Fault):
    test = planted(fault)
    test["metadata"].update(namespace="lab", uid="u")
    assert parse(test).profile.stages
    again = patched(test, "spec:\n  minReplicas: 3\n")
    assert again["spec"]["autoscaler"]["horizontalPodAutoscaler"]["minReplicas"] == 3
    assert again["metadata"]["name"] == f"{fault.name}-patched"
    assert test["spec"]["autoscaler"]["horizontalPodAutoscaler"]["minReplicas"] != 3


def test_all_four_kinds_of_fault_are_planted():
    assert len({fault.path for fault in FAULTS}) == len(FAULTS) == 4
