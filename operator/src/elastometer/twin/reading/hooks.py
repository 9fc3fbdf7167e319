"""The preStop hooks of containers: how long a Pod serves on after it is removed from the endpoints."""
from __future__ import annotations

import re

from elastometer.model.document import Document, at, document_at, number_at

# A sleep, or a shell that does nothing else.
_SLEEP = re.compile(r"(?:(?:\S*/)?(?:ba|da)?sh -\w*c )?(?:\S*/)?sleep (\d+(?:\.\d+)?)s?;?\s*")


def hook_seconds(container: Document) -> float | None:
    """How long the preStop hook of a container takes, 0 if it has none; None if the hook is no sleep."""
    hook = document_at(container, "lifecycle", "preStop")
    if not hook:
        return 0.0
    if (seconds := number_at(hook, "sleep", "seconds")) is not None:
        return seconds
    command = at(hook, "exec", "command")
    slept = _SLEEP.fullmatch(" ".join(map(str, command))) if isinstance(command, list) else None
    return None if slept is None else float(slept[1])
