"""A flag of the server as an advice names it."""
from __future__ import annotations

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.server_flags import flags_of_test


def flag_in_words(name: str, evidence: Evidence) -> str:
    """The flag, and its value if the test states one."""
    stated = flags_of_test(evidence.spec).text(name)
    return f"`{name}`" if stated is None else f"`{name}` (now {stated})"
