"""The capacity of one replica, measured by a calibration on a real cluster and used by a test that refers to it, beside
the formula of the stand-in's settings (docs/standin.md).

    pytest -m 'lab and slow' tests/e2e/test_calibration.py     # two calibrations and a run, about ten minutes
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastometer_standin.settings import Pace
from support.standin_runs import saturated

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(1500)]
DEMO = Path(__file__).parents[2] / "manifests/samples/demo.yaml"
# The settings of the demo's server.
SLOTS, PACE = 4, Pace(prefill_tokens_per_second=4000, prefill_overhead_ms=20, decode_ms_per_token=40)
NAME, STEP_SECONDS = "calibrated", 40
# More users than slots, so that none of the slots waits for a user; two replicas share them by chance, unevenly.
ONE = ("--start=1", "--step=6", "--maximum=13")
TWO = ("--replicas=2", "--start=2", "--step=24", "--maximum=50")
# Both the formula and a calibration are exact to some 2 %, and the lab's two cores take their part.
PERCENT = 5.0


@dataclass(frozen=True)
class Calibrated:
    """The reports of the calibration of one replica, of that of two, and of a test that refers to the first."""

    one: dict[str, Any]
    two: dict[str, Any]
    run: dict[str, Any]


def manifest() -> dict[str, Any]:
    """The demo's server and tasks under a load that one replica serves, without an objective that limits it further."""
    test: dict[str, Any] = yaml.safe_load(DEMO.read_text())
    test["metadata"]["name"] = NAME
    spec = test["spec"]
    spec["autoscaler"] = {"type": "None"}
    spec["load"]["stages"] = [{"name": "calm", "type": "Rate", "durationSeconds": 60, "endRequestsPerSecond": "1.5"}]
    spec["objectives"] = [{"name": "served", "indicator": "RequestSuccess", "minimumPercent": 99}]
    spec["demand"] = {"calibrationRef": {"name": f"{NAME}-calibration"}}
    spec["measurement"]["settleSeconds"] = 10
    return test


def test_the_demo_has_the_settings_that_the_formula_counts_with() -> None:
    arguments = manifest()["spec"]["target"]["server"]["args"]
    assert {f"--max-num-seqs={SLOTS}", f"--standin-prefill-tokens-per-second={PACE.prefill_tokens_per_second:g}",
            f"--standin-prefill-overhead-ms={PACE.prefill_overhead_ms:g}",
            f"--standin-decode-ms-per-token={PACE.decode_ms_per_token:g}"} <= set(arguments)


@pytest.fixture(scope="module")
def found(cluster: Any, module_namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Calibrated:
    directory = tmp_path_factory.mktemp("calibration")
    file = directory / "test.yaml"
    file.write_text(yaml.safe_dump(manifest()))

    def carried_out(name: str, *command: str) -> dict[str, Any]:
        out = directory / name
        code, output = cluster.run(*command, "-n", module_namespace, "--out", str(out))
        assert code == 0, output
        return dict(cluster.bundle(out).report)

    def calibrate(name: str, *options: str) -> dict[str, Any]:
        return carried_out(name, "calibrate", str(file), "--run", f"--step-seconds={STEP_SECONDS}", *options)

    one = calibrate("one", *ONE)
    return Calibrated(one, calibrate("two", *TWO), carried_out("run", "run", str(file)))


def test_a_test_that_refers_to_a_calibration_is_judged_by_the_formulas_capacity(
    found: Calibrated, capsys: pytest.CaptureFixture[str],
) -> None:
    demand = found.run["demand"]
    assert demand["source"] == "Calibrated", demand["reason"]
    assert f"{NAME}-calibration" in demand["basis"]
    capacity = demand["capacity"]
    formula = saturated(capacity["meanPromptTokens"], capacity["meanOutputTokens"], SLOTS, PACE)
    with capsys.disabled():
        print(f"\ncalibrated {capacity['requestsPerSecond']:.3f} ± {demand['errorPercent']:.1f} %, "
              f"formula {formula:.3f} requests per second")
    assert capacity["requestsPerSecond"] == pytest.approx(formula, rel=PERCENT / 100)


def test_the_calibration_measured_a_replica_that_was_full(found: Calibrated) -> None:
    calibration = found.one["calibration"]["found"]
    assert calibration is not None, found.one["calibration"]["reason"]
    assert calibration["replicas"] == 1
    assert calibration["rule"].startswith("the saturated throughput"), calibration["rule"]


def test_two_replicas_are_compared_with_one(found: Calibrated, capsys: pytest.CaptureFixture[str]) -> None:
    """Each request takes a connection of its own, whose replica is drawn: of 50 users fewer than four are on one of
    the two for some 5 % of the time, which is what two replicas serve less."""
    calibration = found.two["calibration"]["found"]
    assert calibration is not None, found.two["calibration"]["reason"]
    assert calibration["replicas"] == 2
    words = re.fullmatch(rf"each of 2 replicas served (\d+) % of what one served alone \(calibration "
                         rf"'{NAME}-calibration'\)", calibration["linearity"])
    assert words is not None, calibration["linearity"]
    with capsys.disabled():
        print(f"\n{calibration['linearity']}")
    assert 85 <= int(words[1]) <= 105
