"""Bringing up is idempotent: what is healthy and wanted stays, everything else is started again."""
from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from elastometer_lab import namespaces
from elastometer_lab.component import Component, Outcome, await_health, record_path, running, start_if_needed
from elastometer_lab.errors import LabError
from elastometer_lab.paths import Paths
from elastometer_lab.processes import end_process

NO_CGROUP = Path("/dev/null")


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Paths]:
    monkeypatch.setattr(namespaces, "identity", lambda _: "one namespace")
    paths = Paths(tmp_path / "state", tmp_path / "cache", tmp_path / "run")
    yield paths
    if record := running(paths, "sleeper"):
        end_process(record, 0)


def sleeper(*arguments: str) -> Component:
    return Component("sleeper", ("/bin/sleep", *(arguments or ("60",))), probe=lambda: None, inside=False,
                     recovery_seconds=0, stop_seconds=1)


def bring_up(component: Component, paths: Paths) -> Outcome:
    outcome = start_if_needed(component, paths, NO_CGROUP)
    await_health(component, paths)
    return outcome


def test_a_healthy_component_with_the_same_inputs_is_kept(paths: Paths) -> None:
    assert bring_up(sleeper(), paths) is Outcome.STARTED
    first = running(paths, "sleeper")
    assert bring_up(sleeper(), paths) is Outcome.KEPT
    assert running(paths, "sleeper") == first is not None


def test_other_arguments_replace_the_process(paths: Paths) -> None:
    bring_up(sleeper(), paths)
    first = running(paths, "sleeper")
    assert bring_up(sleeper("61"), paths) is Outcome.REPLACED
    second = running(paths, "sleeper")
    assert first is not None
    assert second is not None
    assert first.pid != second.pid


def test_a_changed_configuration_file_replaces_the_process(paths: Paths, tmp_path: Path) -> None:
    configuration = tmp_path / "configuration"
    configuration.write_text("a")
    component = replace(sleeper(), reads=(configuration,))
    bring_up(component, paths)
    configuration.write_text("b")
    assert bring_up(component, paths) is Outcome.REPLACED


def test_a_recreated_namespace_replaces_what_ran_in_the_old_one(
        paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    bring_up(sleeper(), paths)
    monkeypatch.setattr(namespaces, "identity", lambda _: "another namespace")
    assert bring_up(sleeper(), paths) is Outcome.REPLACED


def test_a_killed_component_is_started_again(paths: Paths) -> None:
    bring_up(sleeper(), paths)
    record = running(paths, "sleeper")
    assert record is not None
    os.kill(record.pid, 9)
    os.waitpid(record.pid, 0)
    assert bring_up(sleeper(), paths) is Outcome.STARTED


def test_a_running_but_unhealthy_component_is_replaced(paths: Paths) -> None:
    bring_up(sleeper(), paths)
    answers = iter(["stuck", None])
    assert bring_up(replace(sleeper(), probe=lambda: next(answers)), paths) is Outcome.REPLACED


def test_a_component_that_ends_at_once_is_reported_with_the_end_of_its_log(paths: Paths) -> None:
    component = Component("sleeper", ("/bin/sh", "-c", "echo no such flag >&2; exit 2"), probe=lambda: "down",
                          inside=False)
    with pytest.raises(LabError, match=r"ended right after its start(.|\n)*no such flag"):
        bring_up(component, paths)


def test_a_component_that_stays_unhealthy_is_reported_with_the_budget_and_the_fault(paths: Paths) -> None:
    component = replace(sleeper(), probe=lambda: "answers 500", start_seconds=0)
    with pytest.raises(LabError, match=r"not healthy after 0 s: answers 500"):
        bring_up(component, paths)
    assert record_path(paths, "sleeper").exists()
