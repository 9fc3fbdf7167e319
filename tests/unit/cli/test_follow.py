"""Following a run: ends when it is written, says when nobody takes it up, survives what passes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.kinds import TEST
from elastometer.cli.cluster.follow import FollowLimits, follow

RUNNING = {"conditions": [{"type": "Succeeded", "status": "Unknown", "reason": "Running", "message": ""}]}
DONE = {**RUNNING, "completionTime": "2026-01-01T00:00:00Z"}


def version(number: int, status: dict[str, Any] | None = None, uid: str = "u1") -> dict[str, Any]:
    meta = {"name": "demo", "namespace": "staging", "uid": uid, "resourceVersion": str(number)}
    return {"metadata": meta, **({"status": status} if status else {})}


class Script:
    """A cluster that plays watches (a list of versions, or an error) and reads, and counts seconds at each read."""

    namespace, kind = "staging", TEST

    def __init__(self, watches: list[Any], reads: list[Any]) -> None:
        self.watches, self.reads, self.clock, self.asked = watches, reads, 0.0, []

    def changes(self, name: str, resource_version: str, seconds: int) -> Iterator[dict[str, Any]]:
        self.asked.append(resource_version)
        self.clock += seconds
        played = self.watches.pop(0) if self.watches else []
        if isinstance(played, Exception):
            raise played
        yield from played

    def get(self, name: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.reads.pop(0) if len(self.reads) > 1 else self.reads[0]
        return found


def seen(script: Script, first: dict[str, Any], overall: float | None = None) -> list[str]:
    limits = FollowLimits(overall, now=lambda: script.clock)
    return [test["metadata"]["resourceVersion"] for test in follow(script, first, limits)]  # type: ignore[arg-type]


def test_a_finished_test_is_seen_once_and_not_watched():
    script = Script([], [None])
    assert seen(script, version(1, DONE)) == ["1"]
    assert script.asked == []


def test_a_watch_that_brings_the_end_ends_the_following():
    script = Script([[version(2, RUNNING), version(3, DONE), version(4, DONE)]], [None])
    assert seen(script, version(1)) == ["1", "2", "3"]


def test_an_expired_watch_is_resumed_from_a_fresh_list():
    gone = ApiException(status=410, reason="Gone")
    script = Script([gone, [version(9, DONE)]], [version(7, RUNNING)])
    assert seen(script, version(1, RUNNING)) == ["1", "7", "9"]
    assert script.asked == ["1", "7"]


def test_a_lost_connection_in_a_watch_does_not_end_the_following():
    script = Script([ConnectionResetError(), [version(3, DONE)]], [version(2, RUNNING)])
    assert seen(script, version(1, RUNNING))[-1] == "3"


def test_a_refusal_in_a_watch_is_passed_on():
    with pytest.raises(ApiException):
        seen(Script([ApiException(status=403)], [version(2)]), version(1, RUNNING))


def test_a_test_that_no_operator_accepts_within_thirty_seconds_is_named_as_such():
    script = Script([], [version(1)])
    with pytest.raises(CliError, match="no operator has taken up the test within 40 s") as caught:
        seen(script, version(1))
    assert caught.value.code is Exit.NOT_CARRIED_OUT
    assert any("helm install" in line for line in caught.value.lines)


def test_a_deleted_test_ends_the_following():
    with pytest.raises(CliError, match="'staging/demo' was deleted"):
        seen(Script([], [None]), version(1, RUNNING))


def test_another_test_of_the_same_name_is_not_followed():
    with pytest.raises(CliError, match="was deleted"):
        seen(Script([[version(2, DONE, uid="u2")]], [version(3, DONE, uid="u2")]), version(1, RUNNING))


def test_the_time_out_says_that_the_run_goes_on_and_how_to_attach():
    with pytest.raises(CliError, match="not finished within --timeout 25 s") as caught:
        seen(Script([], [version(1, RUNNING)]), version(1, RUNNING), overall=25)
    assert any("elastometer run demo -n staging --attach" in line for line in caught.value.lines)
