"""A run is derived once, however much is asked of it."""
from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from elastometer.analysis.analyze import judge
from elastometer.analysis.evidence.evidence import gather
from elastometer.analysis.evidence.replicas import replica_curves
from elastometer.analysis.evidence.scaling import changes
from elastometer.analysis.run import derive_run
from elastometer.analysis.starts.coldstart import starts
from elastometer.cli.main import main
from elastometer.world.bundle_reader import load_bundle

RUN = Path(__file__).parents[2] / "golden" / "runs" / "honest-pods-a"


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often each derivation was made, by whichever module knows it by its name."""
    found: dict[str, int] = {}

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*given: Any) -> Any:
            found[function.__name__] += 1
            return function(*given)
        return counting

    for function in (gather, changes, starts, replica_curves):
        found[function.__name__] = 0
        modules = [module for name, module in sys.modules.items() if name.startswith("elastometer.")
                   and vars(module).get(function.__name__) is function]
        assert len(modules) >= 2, "only its own module knows it: nothing would be counted"
        for module in modules:
            monkeypatch.setattr(module, function.__name__, counted(function))
    return found


def test_a_report_derives_the_run_once(counts: dict[str, int]) -> None:
    report = judge(load_bundle(RUN))
    assert len(report.scale_events) >= 2, "a run without changes proves nothing"
    assert counts == {"gather": 1, "changes": 1, "starts": 1, "replica_curves": 1}


def test_a_whole_what_if_derives_the_run_once(counts: dict[str, int], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["what-if", str(RUN), "--set", "minReplicas=2", "--jobs", "1"]) == 0
    assert "with --set, predicted" in " ".join(capsys.readouterr().out.split())
    assert counts == {"gather": 1, "changes": 1, "starts": 1, "replica_curves": 1}


def test_the_parts_of_a_derived_run_are_those_of_its_evidence() -> None:
    run = derive_run(load_bundle(RUN))
    assert run.evidence.spec == run.bundle.spec
    assert run.evidence.generators == run.bundle.generators
    assert run.changes == tuple(changes(run.evidence))
    assert [start.pod for start in run.starts] == [start.pod for start in starts(run.evidence, run.changes)]
    assert run.replicas == replica_curves(run.evidence)
