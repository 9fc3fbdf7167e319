"""Bringing up is idempotent: what is healthy and wanted stays, everything else is started again."""
from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from elastometer_lab import namespaces
from elastometer_lab.component import Component, Outcome, ensure, record_path, running
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


def test_a_healthy_component_with_the_same_inputs_is_kept(paths: Paths) -> None:
    assert ensure(sleeper(), paths, NO_CGROUP) is Outcome.STARTED
    first = running(paths, "sleeper")
    assert ensure(sleeper(), paths, NO_CGROUP) is Outcome.KEPT
    assert running(paths, "sleeper") == first is not None


def test_other_arguments_replace_the_process(paths: Paths) -> None:
    ensure(sleeper(), paths, NO_CGROUP)
    first = running(paths, "sleeper")
    assert ensure(sleeper("61"), paths, NO_CGROUP) is Outcome.REPLACED
    second = running(paths, "sleeper")
    assert first is not None
    assert second is not None
    assert first.pid != second.pid


def test_a_changed_configuration_file_replaces_the_process(paths: Paths, tmp_path: Path) -> None:
    configuration = tmp_path / "configuration"
    configuration.write_text("a")
    component = replace(sleeper(), reads=(configuration,))
    ensure(component, paths, NO_CGROUP)
    configuration.write_text("b")
    assert ensure(component, paths, NO_CGROUP) is Outcome.REPLACED


def test_a_namespace_made_anew_replaces_what_lived_in_the_old_one(
        paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure(sleeper(), paths, NO_CGROUP)
    monkeypatch.setattr(namespaces, "identity", lambda _: "another namespace")
    assert ensure(sleeper(), paths, NO_CGROUP) is Outcome.REPLACED


def test_a_killed_component_is_started_again(paths: Paths) -> None:
    ensure(sleeper(), paths, NO_CGROUP)
    record = running(paths, "sleeper")
    assert record is not None
    os.kill(record.pid, 9)
    os.waitpid(record.pid, 0)
    assert ensure(sleeper(), paths, NO_CGROUP) is Outcome.STARTED


def test_a_running_but_unhealthy_component_is_replaced(paths: Paths) -> None:
    ensure(sleeper(), paths, NO_CGROUP)
    answers = iter(["stuck", None])
    assert ensure(replace(sleeper(), probe=lambda: next(answers)), paths, NO_CGROUP) is Outcome.REPLACED


def test_a_component_that_ends_at_once_is_told_with_its_last_words(paths: Paths) -> None:
    component = Component("sleeper", ("/bin/sh", "-c", "echo no such flag >&2; exit 2"), probe=lambda: "down",
                          inside=False)
    with pytest.raises(LabError, match=r"ended right after its start(.|\n)*no such flag"):
        ensure(component, paths, NO_CGROUP)


def test_a_component_that_stays_unhealthy_is_told_with_the_budget_and_the_fault(paths: Paths) -> None:
    component = replace(sleeper(), probe=lambda: "answers 500", start_seconds=0)
    with pytest.raises(LabError, match=r"not healthy after 0 s: answers 500"):
        ensure(component, paths, NO_CGROUP)
    assert record_path(paths, "sleeper").exists()
