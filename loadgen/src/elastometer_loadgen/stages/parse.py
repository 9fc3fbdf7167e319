"""Which module reads which type of stage, and the field `stages` of a profile. Faults are appended, never raised."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from elastometer_loadgen.base.fields import Fault, Fields
from elastometer_loadgen.stages import count, knee, rate, trace, users
from elastometer_loadgen.stages.stage import Context, Stage, StageType


class Reader(NamedTuple):
    """The fields that a type of stage knows besides `name` and `type`, and what reads them."""

    fields: tuple[str, ...]
    read: Callable[[Fields, Context], Stage]


READERS: Mapping[StageType, Reader] = {
    StageType.RATE: Reader(rate.FIELDS, rate.read),
    StageType.USERS: Reader(users.FIELDS, users.read),
    StageType.CONCURRENCY: Reader(count.CONCURRENCY_FIELDS, count.read_concurrency),
    StageType.KNEE: Reader(knee.FIELDS, knee.read),
    StageType.SWEEP: Reader(count.SWEEP_FIELDS, count.read_sweep),
    StageType.TRACE: Reader(trace.FIELDS, trace.read),
}
ALL_FIELDS = tuple(dict.fromkeys(field for reader in READERS.values() for field in reader.fields))


def parse_stages(fields: Fields, request_seconds: int) -> tuple[Stage, ...]:
    """The field `stages`; no request takes longer than `request_seconds`."""
    stages: list[Stage] = []
    for index, item in enumerate(fields.items("stages", 256, required=True)):
        context = Context(stages[-1] if stages else None, request_seconds)
        stage = _stage(item, f"stages[{index}]", fields.faults, context)
        stages.extend([stage] if stage is not None else [])
    return tuple(stages)


def _stage(value: object, path: str, faults: list[Fault], context: Context) -> Stage | None:
    kind = value.get("type") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(kind, str) or kind not in set(StageType):
        # Which fields are known depends on the type, so one of any type may be right.
        fields = Fields(value, path, faults, ("name", "type", *ALL_FIELDS))
        fields.require("type")
        fields.choice("type", StageType, default=StageType.RATE)
        return None
    reader = READERS[StageType(kind)]
    return reader.read(Fields(value, path, faults, ("name", "type", *reader.fields)), context)
