"""Where the other clients are installed: each in its own virtual environment in the user's cache directory.

Not in the project's environment: their dependencies contradict each other's and ours.
"""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

INSTALL_SECONDS = 420
"""Bound for one installation: a client that takes longer is left out, and the table says so."""
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "elastometer-bench"


class Missing(Exception):
    """A client that cannot be measured here, and why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A program from the package index, at the version that the table states."""

    name: str
    version: str

    @property
    def home(self) -> Path:
        """Its virtual environment."""
        return CACHE / self.name

    def program(self) -> Path:
        """The installed program; installs it first if necessary. Raises Missing when that fails or takes too long."""
        marker, wanted = self.home / "installed", f"{self.name}=={self.version}"
        if not marker.exists() or marker.read_text() != wanted:
            print(f"installing {wanted} into {self.home} (at most {INSTALL_SECONDS} s)", flush=True)
            self._install(wanted)
            marker.write_text(wanted)
        return self.home / "bin" / self.name

    def _install(self, wanted: str) -> None:
        home = str(self.home)
        for command in ([sys.executable, "-m", "venv", "--clear", home], [f"{home}/bin/pip", "install", "-q", wanted]):
            try:
                result = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS)
            except subprocess.TimeoutExpired as error:
                raise Missing(f"{wanted} was not installed within {INSTALL_SECONDS} s") from error
            if result.returncode:
                raise Missing(f"{wanted} could not be installed: {last_line(result.stderr)}")


def last_line(output: str) -> str:
    """The last line that a program printed, where most of them state the error."""
    return (output.strip().splitlines() or ["no message"])[-1]


def scratch() -> Path:
    """A new directory for the files of one run."""
    return Path(tempfile.mkdtemp(prefix="bench-load-"))
