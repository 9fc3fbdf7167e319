"""Words of a command line whose text may depend on variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# Stands for the part of a text that is known only inside the container.
UNKNOWN = "\ufffc"
_KUBERNETES = re.compile(r"\$(?:\$|\(([A-Za-z_.-][\w.-]*)\))")


@dataclass(frozen=True, slots=True)
class Word:
    """One argument and where it was written."""

    text: str
    path: str


@dataclass(frozen=True, slots=True)
class Variables:
    """The container's environment. A value of None is set, but not known. With `has_others`, further variables may be
    set, so that a name that is not listed is not known either."""

    values: Mapping[str, str | None]
    has_others: bool = False

    def text(self, name: str) -> str | None:
        """The value; UNKNOWN where it cannot be known, None where the variable is not set."""
        if name not in self.values:
            return UNKNOWN if self.has_others else None
        value = self.values[name]
        return UNKNOWN if value is None else value

    def expanded(self, text: str) -> str:
        """The text with `$(NAME)` replaced as the kubelet does: `$$` is one `$`, and a name that is not set stays.

        https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/
        """
        def value(found: re.Match[str]) -> str:
            name = found.group(1)
            if name is None:
                return "$"
            known = self.text(name)
            return found.group() if known is None else known

        return _KUBERNETES.sub(value, text)
