"""Lines of a server's log as text: without colours, and with the process that wrote each.

vLLM prints `(Worker_DP1_TP0 pid=34)` in front of a line, in older releases of the workers' lines only, and in 0.10 with
a blank in the name, `(VllmWorker TP0 pid=34)`. A replica with data parallelism has several engines; the number after DP
says whose line it is.
"""
from __future__ import annotations

import re
from dataclasses import dataclass

from elastometer.model.observation import LogSeen
from elastometer.model.units import Instant

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PROCESS = re.compile(r"\((?P<name>[A-Za-z]\w*(?:-\d+)?(?: [A-Z]+\d\w*)?)(?: rank=\d+)? pid=\d+(?:, ip=[^)]*)?\)")
_ENGINE = re.compile(r"DP(\d+)|^EngineCore_(\d+)$")


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `process` is empty where the line does not name it, `engine` None where it does not show one."""

    instant: Instant
    text: str
    process: str
    engine: int | None

    @property
    def process_name(self) -> str:
        """The process without its number, which another start of the container may change."""
        return self.process.partition(" ")[0]


def without_colours(text: str) -> str:
    """The text as it stands in a terminal, without the codes that colour it."""
    return _COLOUR.sub("", text)


def plain_line(seen: LogSeen) -> Line:
    """The line without colours."""
    text = without_colours(seen.line)
    found = list(_PROCESS.finditer(text))
    engines = [number for one in found for number in _engine(one.group("name"))]
    return Line(seen.time, text, found[-1].group() if found else "", engines[0] if engines else None)


def _engine(name: str) -> list[int]:
    match = _ENGINE.search(name)
    return [] if match is None else [int(match.group(1) or match.group(2))]
