"""What would help most, put to the test: a planted fault must be named, and a live run with the printed patch must
become what was predicted, within the error that was printed.

    pytest -m 'lab and slow' tests/e2e/test_advice.py -k window     # two runs of about five minutes for each fault
"""
from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.planted_faults import FAULTS, Fault, patched, planted

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(1500)]


@dataclass(frozen=True)
class Pair:
    """The run with the fault, and the one with the patch that its report printed."""

    fault: Fault
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def advice(self) -> dict[str, Any]:
        found: dict[str, Any] = self.before["story"]["advice"]
        return found


@pytest.fixture(scope="module", params=FAULTS, ids=lambda fault: fault.name)
def pair(request: pytest.FixtureRequest, cluster: Any, module_namespace: str, tmp_path_factory: Any) -> Pair:
    directory, fault = tmp_path_factory.mktemp("advice"), request.param

    def run(test: dict[str, Any]) -> dict[str, Any]:
        file, out = directory / "test.json", directory / test["metadata"]["name"]
        file.write_text(json.dumps(test))
        code, output = cluster.run("run", str(file), "-n", module_namespace, "--out", str(out))
        assert code in (0, 1), output
        return dict(cluster.bundle(Path(out)).report)

    before = run(planted(fault))
    assert before["story"]["advice"]["patch"], before["story"]["advice"]["reason"]
    return Pair(fault, before, run(patched(planted(fault), before["story"]["advice"]["patch"])))


def test_the_sentence_names_what_was_planted(pair: Pair) -> None:
    assert pair.advice["basis"] == "WhatIf"
    assert any(pair.fault.path in change["path"] for change in pair.advice["changes"]), pair.advice["changes"]


def test_a_run_with_the_patch_becomes_what_was_promised(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    promised, after = pair.advice["missSeconds"], pair.after["story"]["cost"]["missSeconds"]
    with capsys.disabled():
        print(f"\n{pair.fault.name}: {pair.advice['changes']}; objective-miss seconds {promised['measured']:.0f}, "
              f"promised {promised['predicted']:.0f} ± {promised['plusMinus']:.0f}, live {after}")
    assert after < promised["measured"]
    assert abs(after - promised["predicted"]) <= promised["plusMinus"]
