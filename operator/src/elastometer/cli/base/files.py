"""Writing the files that a command produced."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from elastometer.cli.base.exits import CliError, Exit


def write_files(files: Mapping[str, bytes], directory: Path, what: str = "") -> None:
    """Writes the files into the directory, which is created if needed; `what` names them in the error message."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (directory / name).write_bytes(content)
    except OSError as error:
        named = f"{what} into" if what else "into"
        raise CliError(Exit.NOT_CARRIED_OUT, f"cannot write {named} {directory}: {error.strerror or error}") from error
