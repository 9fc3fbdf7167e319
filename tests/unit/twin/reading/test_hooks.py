"""How long a preStop hook takes, in the forms that people write it in."""
from __future__ import annotations

from typing import Any

import pytest

from elastometer.twin.reading.hooks import hook_seconds


def command(*words: str) -> dict[str, Any]:
    return {"exec": {"command": list(words)}}


@pytest.mark.parametrize(("hook", "seconds"), [
    (None, 0.0), ({"sleep": {"seconds": 7}}, 7.0), (command("sleep", "15"), 15.0), (command("/bin/sleep", "15s"), 15.0),
    (command("sh", "-c", "sleep 20"), 20.0), (command("/bin/bash", "-c", "sleep 5; "), 5.0),
    (command("sh", "-c", "sleep 5 && kill 1"), None), (command("/drain.sh"), None), (command("sleep", "$WAIT"), None),
    ({"httpGet": {"path": "/drain", "port": 8000}}, None), ({"exec": {}}, None),
])
def test_only_a_sleep_says_how_long_it_takes(hook: Any, seconds: float | None) -> None:
    container = {"name": "server"} if hook is None else {"name": "server", "lifecycle": {"preStop": hook}}
    assert hook_seconds(container) == seconds
