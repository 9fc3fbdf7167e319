"""The addresses of a server's Pods, one `host:port` per line, kept up to date in a file or by the receiver.

A program that follows the Service's EndpointSlices rewrites the file at every change, and the client polls it several
times per second; the receiver answers as soon as there is a change. While neither can be used, the last addresses stay.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from elastometer_loadgen.base.notes import note

POLL_SECONDS = 0.25
MAX_ENDPOINTS = 1000
MAX_FILE_CHARACTERS = 256 * 1024


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """Where to connect to."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_endpoints(text: str) -> tuple[Address, ...]:
    """The addresses in a file's lines, without duplicates; raises ValueError with line, rule and value.

    Empty lines and everything after a `#` are ignored. There may be no address at all.
    """
    found: dict[Address, None] = {}
    for number, line in enumerate(text.splitlines(), 1):
        wanted = line.partition("#")[0].strip()
        if wanted:
            found[_address(wanted, number)] = None
    if len(found) > MAX_ENDPOINTS:
        raise ValueError(f"must hold at most {MAX_ENDPOINTS} addresses; got {len(found)}")
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

    async def follow(self, on_change: Callable[[tuple[Address, ...]], None]) -> None:
        """Calls `on_change` after every change, until cancelled."""


class EndpointFile:
    """One such file, which must be valid when it is first read; later it may be unusable for a while."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._failing = False
        self.addresses = self._read()

    async def follow(self, on_change: Callable[[tuple[Address, ...]], None]) -> None:
        """Calls `on_change` after every change, until cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if self.poll():
                on_change(self.addresses)

    def poll(self) -> bool:
        """True when the addresses are others than at the last poll; while the file is invalid they stay the same."""
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
                return parse_endpoints(file.read(MAX_FILE_CHARACTERS))
        except (OSError, ValueError) as error:
            raise ValueError(f"{self._path}: {error}") from error
