"""Which claims a run did not check because this machine lacks something: a cluster, its audit log, helm, a real vLLM.

Such tests are skipped one by one, and a green run hides them among hundreds of dots. A skip reason of this kind starts
with capitals and a colon ("NO AUDIT LOG: only the lab's can be read"). This module is a plugin of pytest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

LACKING = re.compile(r"(?:Skipped: )?([A-Z][A-Z ]+):")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Named at the very end, however many tests have passed."""
    skipped = [(report.nodeid, report.longrepr[2]) for report in terminalreporter.stats.get("skipped", ())
               if isinstance(report.longrepr, tuple)]
    for line in unchecked_lines(skipped):
        terminalreporter.write_line(line, yellow=True)


def unchecked_lines(skipped: Iterable[tuple[str, str]]) -> list[str]:
    """One line for each thing that is lacking, from (node id, reason) of every skipped test."""
    claims: dict[str, dict[str, None]] = {}
    for node, reason in skipped:
        if lacking := LACKING.match(reason):
            name = node.rpartition("::")[2].partition("[")[0]
            claims.setdefault(lacking[1], {})[name] = None
    return [f"{lacking}, so these claims were NOT CHECKED: {', '.join(names)}" for lacking, names in claims.items()]
