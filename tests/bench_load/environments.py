"""Where the peers live: each in a virtual environment of its own, under the user's cache directory, outside git."""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

INSTALL_SECONDS = 420
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "elastometer-bench"


class Missing(Exception):
    """A peer that cannot be measured here, and why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A program of a package index, at the version that the table names."""

    name: str
    version: str

    @property
    def home(self) -> Path:
        """Its environment."""
        return CACHE / self.name

    def program(self) -> Path:
        """The installed program; installs it when need be, within a bound of time. Raises Missing."""
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


def last_line(said: str) -> str:
    """What a program said last: most name the fault there."""
    return (said.strip().splitlines() or ["no message"])[-1]


def scratch() -> Path:
    """A fresh directory for what one run leaves."""
    return Path(tempfile.mkdtemp(prefix="bench-load-"))
