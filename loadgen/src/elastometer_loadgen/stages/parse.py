"""Which module reads which type of stage, and the field `stages` of a profile. Faults are appended, never raised."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from elastometer_loadgen.base.fields import Fault, Fields
from elastometer_loadgen.stages import count, knee, rate, trace, users
from elastometer_loadgen.stages.rate import RateStage
from elastometer_loadgen.stages.stage import Context, Stage, StageRole, StageType

MAX_TASKS = 256


class Reader(NamedTuple):
    """The fields that a type of stage knows besides `name`, `type` and `role`, and what reads them."""

    fields: tuple[str, ...]
    read: Callable[[Fields, Context], Stage]


READERS: Mapping[StageType, Reader] = {
    StageType.RATE: Reader((*rate.FIELDS, "tasks"), rate.read),
    StageType.USERS: Reader((*users.FIELDS, "tasks"), users.read),
    StageType.CONCURRENCY: Reader((*count.CONCURRENCY_FIELDS, "tasks"), count.read_concurrency),
    StageType.KNEE: Reader((*knee.FIELDS, "tasks"), knee.read),
    StageType.SWEEP: Reader(count.SWEEP_FIELDS, count.read_sweep),
    StageType.TRACE: Reader(trace.FIELDS, trace.read),
}
COMMON_FIELDS = ("name", "type", "role")
ALL_FIELDS = tuple(dict.fromkeys(field for reader in READERS.values() for field in reader.fields))


def parse_stages(fields: Fields, request_seconds: int) -> tuple[Stage, ...]:
    """The field `stages`; no request takes longer than `request_seconds`."""
    stages: list[Stage] = []
    for index, item in enumerate(fields.items("stages", 256, required=True)):
        context = Context(stages[-1] if stages else None, request_seconds)
        stage = _stage(item, f"stages[{index}]", fields.faults, context)
        stages.extend([stage] if stage is not None else [])
        if stage is not None and stage.role is StageRole.BASELINE:
            _check_baseline(stages, index, fields.faults)
    return tuple(stages)


def _stage(value: object, path: str, faults: list[Fault], context: Context) -> Stage | None:
    kind = value.get("type") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(kind, str) or kind not in set(StageType):
        # Which fields are known depends on the type, so one of any type may be right.
        fields = Fields(value, path, faults, (*COMMON_FIELDS, *ALL_FIELDS))
        fields.require("type")
        fields.choice("type", StageType, default=StageType.RATE)
        return None
    reader = READERS[StageType(kind)]
    fields = Fields(value, path, faults, (*COMMON_FIELDS, *reader.fields))
    return _with_role(reader.read(fields, context), fields)


def _with_role(stage: Stage, fields: Fields) -> Stage:
    role = fields.choice("role", StageRole, default=StageRole.BASELINE) if fields.has("role") else None
    is_without_load = isinstance(stage, RateStage) and not stage.expected
    if is_without_load and role is not StageRole.QUIET:
        rule = f"must be {StageRole.QUIET} where the rate is 0 throughout"
        fields.fault("role", f"{rule}; {'it is absent' if role is None else f'got {role}'}")
    elif role is StageRole.QUIET and not is_without_load:
        fields.refuse("role", f"be absent unless type is {StageType.RATE} and both of its rates are 0")
    elif role is StageRole.QUIET and fields.has("tasks"):
        fields.refuse("tasks", f"be absent where role is {StageRole.QUIET}: nothing is sent")
    elif role is StageRole.BASELINE and stage.type is StageType.KNEE:
        fields.refuse("role", f"be absent where type is {StageType.KNEE}, whose steps are levels of their own")
    return stage.drawing(_task_names(fields), role)


def _task_names(fields: Fields) -> tuple[str, ...]:
    """The field `tasks`; whether there are tasks of these names is checked where the tasks are known."""
    if not fields.has("tasks"):
        return ()
    listed, places = fields.elements("tasks", MAX_TASKS)
    names = [listed.text(place, 63, default=None) for place in places]
    for place, name in zip(places, names, strict=True):
        if name in names[: places.index(place)]:
            listed.refuse(place, "differ from every name before it")
    return tuple(names)


def _check_baseline(stages: list[Stage], index: int, faults: list[Fault]) -> None:
    first = next(stage for stage in stages if stage.role is StageRole.BASELINE)
    if first is not stages[-1]:
        rule = f"must be {StageRole.BASELINE} in one stage only, and is in {first.name}; got {StageRole.BASELINE}"
        faults.append(Fault(f"stages[{index}].role", rule))
