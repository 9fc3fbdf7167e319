"""The three sizes of a study: the same stages, tasks, checks and objectives, for other amounts of time and users."""
from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SizeName(StrEnum):
    """Also the name of the file."""

    FULL = "full"
    STAGING = "staging"
    SMOKE = "smoke"


@dataclass(frozen=True, slots=True)
class Size:
    """`time` and `users` are what the document's amounts are divided by. `smoke` runs against the stand-in."""

    name: SizeName
    time: int
    users: int

    @property
    def is_smoke(self) -> bool:
        """Whether the server is the stand-in, in a lab of two cores."""
        return self.name is SizeName.SMOKE

    def seconds(self, full: int, at_least: int = 1) -> int:
        """The document's time at this size; `at_least` is what the stage needs to mean anything."""
        return max(min(full, at_least), round(full / self.time))

    def people(self, full: int) -> int:
        """The document's number of users. Held streams are no users: they cost the stand-in little, and which of them
        is too many is the question, so that they are the same at every size."""
        return max(1, round(full / self.users))

    def of(self, full: object, smoke: object) -> object:
        """What cannot be divided: one value for real servers, one for the stand-in."""
        return smoke if self.is_smoke else full


SIZES = (Size(SizeName.FULL, 1, 1), Size(SizeName.STAGING, 3, 1), Size(SizeName.SMOKE, 10, 10))
