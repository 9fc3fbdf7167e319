"""The two roots of the project's errors: the user's, never retried, and the world's, always retried."""

from __future__ import annotations


class SpecError(Exception):
    """A spec that cannot be carried out. Carries every flaw, each as `path: must …, is …`."""

    def __init__(self, *flaws: str) -> None:
        super().__init__("; ".join(flaws))
        self.flaws = flaws


class WorldError(Exception):
    """Something outside did not answer as it should; trying again later may help."""
