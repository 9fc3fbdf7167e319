"""The two root exceptions: flaws in what the user wrote are never retried, failures of the world always are."""

from __future__ import annotations


class SpecError(Exception):
    """A spec that cannot be carried out. `flaws` has all of them, each as `path: must …, is …`."""

    def __init__(self, *flaws: str) -> None:
        super().__init__("; ".join(flaws))
        self.flaws = flaws


class WorldError(Exception):
    """Something outside did not respond as it should; a later attempt may succeed."""
