"""What most types of stage share: an open loop that needs no file, and what closed loops have in common. Pure."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Self

from elastometer_loadgen.stages.stage import Refusal, StageRole, Turns
from elastometer_loadgen.stages.trace_file import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class StageDefaults:
    """What holds for a stage unless its class says otherwise: an open loop that needs no file."""

    tasks: tuple[str, ...] = ()
    role: StageRole | None = None
    warmup_seconds: int = 0

    @property
    def is_quiet(self) -> bool:
        return self.role is StageRole.QUIET

    @property
    def is_closed(self) -> bool:
        return False

    @property
    def is_open_ended(self) -> bool:
        return False

    @property
    def fixes_sizes(self) -> bool:
        return False

    @property
    def sized_tasks(self) -> tuple[str, ...]:
        return ()

    @property
    def data_file(self) -> str | None:
        return None

    @property
    def awaits_data(self) -> bool:
        return False

    @property
    def has_unknown_length(self) -> bool:
        return False

    @property
    def recorded(self) -> Trace | None:
        return None

    @property
    def warning(self) -> str | None:
        return None

    @property
    def one_worker_reason(self) -> str | None:
        return None

    def with_data(self, lines: Iterable[str]) -> Self:  # noqa: ARG002
        return self

    def data_refusal(self) -> Refusal | None:
        return None

    def with_request_seconds(self, seconds: int) -> Self:  # noqa: ARG002
        return self

    def drawing(self, tasks: tuple[str, ...], role: StageRole | None) -> Self:
        return replace(self, tasks=tasks, role=role)

    def marks(self) -> dict[str, Any]:
        given = {"tasks": list(self.tasks), "role": self.role, "warmupSeconds": self.warmup_seconds}
        return {name: value for name, value in given.items() if value}

    def least_requests(self, turns: Turns) -> int | None:  # noqa: ARG002
        return None

    def conversation_refusal(self, turns: int) -> Refusal | None:  # noqa: ARG002
        return None


class ClosedLoop(StageDefaults):
    """What closed loops share: their requests are due when answers arrive, so no instant is planned."""

    __slots__ = ()

    @property
    def is_closed(self) -> bool:
        return True

    def instants(self, seed: str, carried: Fraction) -> "tuple[array[float], Fraction]":  # noqa: ARG002
        return array("d"), Fraction(0)

    def count_between(self, low: float, high: float) -> float | None:  # noqa: ARG002
        return None
