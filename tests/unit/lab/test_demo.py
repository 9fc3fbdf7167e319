"""What `make demo` ends with: a missed objective is a verdict, not a demonstration that failed."""
from __future__ import annotations

import pytest
import yaml

from elastometer.cli.base.exits import Exit
from elastometer_lab.demo import REPOSITORY, SAMPLE, shown


@pytest.mark.parametrize(("code", "ends", "said"), [
    (Exit.PASSED, 0, "exits with 0, which means that all objectives were met"),
    (Exit.FAILED, 0, "exits with 1, which means that an objective was missed"),
    (Exit.INCONCLUSIVE, 0, "exits with 3, which means that the data allow no verdict"),
    (Exit.SPEC_OR_USAGE, 2, ""), (Exit.NOT_CARRIED_OUT, 4, ""),
])
def test_every_verdict_ends_well_and_says_its_exit_code(
    code: Exit, ends: int, said: str, capsys: pytest.CaptureFixture[str],
):
    assert shown(code) == ends
    assert said in capsys.readouterr().out


def test_the_tuned_sample_is_the_demo_with_another_autoscaler_and_nothing_else():
    demo = yaml.safe_load(SAMPLE.read_text())
    tuned = yaml.safe_load((REPOSITORY / "manifests/samples/demo-tuned.yaml").read_text())
    assert tuned["metadata"]["name"] == "demo-tuned"
    before = demo["spec"]["autoscaler"]["horizontalPodAutoscaler"]
    after = tuned["spec"]["autoscaler"]["horizontalPodAutoscaler"]
    assert before != after
    assert before["maxReplicas"] == after["maxReplicas"]
    tuned["spec"]["autoscaler"] = demo["spec"]["autoscaler"]
    assert tuned["spec"] == demo["spec"]


def test_the_demo_bounds_the_first_token_in_every_stage():
    demo = yaml.safe_load(SAMPLE.read_text())
    bounded = {one.get("stageName") for one in demo["spec"]["objectives"] if one["indicator"] == "TimeToFirstToken"}
    assert bounded == {stage["name"] for stage in demo["spec"]["load"]["stages"]}
