"""Stored texts that a test compares with what is produced now.

ELASTOMETER_REGENERATE=1 writes what is found and fails the run, so that somebody always looks at a changed golden.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[1] / "golden"


def compare(name: str, found: bytes) -> None:
    """Fails unless the stored text of that name is the one found."""
    path = GOLDEN / name
    if os.environ.get("ELASTOMETER_REGENERATE"):
        path.write_bytes(found)
        pytest.fail(f"{name} was written again: look at the difference, then run again without the variable")
    assert path.is_file(), f"{name} must be there; ELASTOMETER_REGENERATE=1 writes it"
    assert found.decode() == path.read_text(encoding="utf-8")
