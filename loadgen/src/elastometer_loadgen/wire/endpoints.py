"""The addresses of a server's pods, `host:port` a line, which somebody keeps up to date: in a file or at a receiver.

Whoever follows the Service's EndpointSlices writes the file anew at every change, and the client looks several times a
second; a receiver answers as soon as there is a change. While neither makes sense, the last addresses stay.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from elastometer_loadgen.base.notes import note

LOOK_SECONDS = 0.25
MOST_ENDPOINTS = 1000
LONGEST_FILE = 256 * 1024


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """Where a connection is made to."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_endpoints(text: str) -> tuple[Address, ...]:
    """The addresses in a file's lines, each once; raises ValueError with line, rule and value. None at all is allowed.

    Empty lines and what follows a `#` are passed over.
    """
    found: dict[Address, None] = {}
    for number, line in enumerate(text.splitlines(), 1):
        wanted = line.partition("#")[0].strip()
        if wanted:
            found[_address(wanted, number)] = None
    if len(found) > MOST_ENDPOINTS:
        raise ValueError(f"must hold at most {MOST_ENDPOINTS} addresses; got {len(found)}")
    return tuple(found)


def _address(text: str, line: int) -> Address:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")
        if host and port and parts.netloc == text and "@" not in text and text.isascii() and " " not in text:
            return Address(host, port)
    except ValueError:
        pass
    raise ValueError(f"line {line} must be an address such as 10.0.0.7:8000 or [fd00::7]:8000; got {text[:80]!r}")


class Endpoints(Protocol):
    """Addresses that change."""

    addresses: tuple[Address, ...]

    async def follow(self, tell: Callable[[tuple[Address, ...]], None]) -> None:
        """Tells of every change until cancelled."""


class EndpointFile:
    """One such file, which must hold sense when it is first read; later it may fail for a while."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._failing = False
        self.addresses = self._read()

    async def follow(self, tell: Callable[[tuple[Address, ...]], None]) -> None:
        """Tells of every change until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self.look():
                tell(self.addresses)

    def look(self) -> bool:
        """True when there are other addresses than at the last look; those of a file that makes no sense stay."""
        before = self.addresses
        try:
            self.addresses = self._read()
        except ValueError as error:
            if not self._failing:
                note(f"the endpoints stay as they were: {error}")
            self._failing = True
            return False
        self._failing = False
        return self.addresses != before

    def _read(self) -> tuple[Address, ...]:
        """Raises ValueError that names the file."""
        try:
            with self._path.open(encoding="utf-8") as file:
                return parse_endpoints(file.read(LONGEST_FILE))
        except (OSError, ValueError) as error:
            raise ValueError(f"{self._path}: {error}") from error
