"""`elastometer compare` as a person runs it: its exit code and what it prints."""
from __future__ import annotations

import pytest

from elastometer.cli.main import main


def compared(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """(exit code, what it said on one line, what it printed as an error)."""
    code = main(["compare", *map(str, arguments)])
    said = capsys.readouterr()
    return code, " ".join(said.out.split()), said.err


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The error of a command that is refused and says nothing else."""
    code, said, error = compared(capsys, *arguments)
    assert (code, said) == (2, "")
    assert "Traceback" not in error
    return error
