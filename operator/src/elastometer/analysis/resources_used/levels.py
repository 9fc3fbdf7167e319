"""What the Pods together used over spans of time that others ask for, such as the levels of a load."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from elastometer.analysis.resources_used.figures import level_of, of_all_pods, within
from elastometer.analysis.resources_used.measurements import Measurements
from elastometer.model.memory import HOST_MEMORY
from elastometer.model.resource_names import (
    CONTAINER_CPU,
    GPU_MEMORY,
    KV_CACHE,
    PREEMPTIONS,
    PROCESS_CPU,
    RUNNING,
    WAITING,
)
from elastometer.model.resources_used import LevelResources, ResourceLevel, ResourceWindow

# The first that was measured counts, as with memory: a container has all processes of a server.
CPU = (CONTAINER_CPU, PROCESS_CPU)
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "cpu_cores": CPU, "memory_bytes": HOST_MEMORY, "gpu_memory_bytes": (GPU_MEMORY,), "kv_cache_percent": (KV_CACHE,),
    "waiting": (WAITING,), "running": (RUNNING,), "preemptions": (PREEMPTIONS,),
}
NO_SAMPLE = "nothing was sampled in this span"
_NONE = ResourceLevel(0)


def level_resources(measured: Measurements, windows: Sequence[ResourceWindow]) -> tuple[LevelResources, ...]:
    """Of each window, in order; they may overlap."""
    of_field = {field: _first(measured, names) for field, names in _FIELDS.items()}
    levels = {name: _levels(measured, name, windows) for name in of_field.values() if name is not None}
    return tuple(_resources({field: (name, levels[name][number] if name is not None else _NONE)
                             for field, name in of_field.items()}, measured) for number in range(len(windows)))


def _first(measured: Measurements, names: Sequence[str]) -> str | None:
    return next((name for name in names if measured.of(name) is not None), None)


def _levels(measured: Measurements, name: str, windows: Sequence[ResourceWindow]) -> list[ResourceLevel]:
    found = measured.of(name)
    if found is None:
        return [_NONE] * len(windows)
    frame = of_all_pods(found.defined, found.samples)
    return [level_of(within(frame, window)) for window in windows]


def _resources(levels: Mapping[str, tuple[str | None, ResourceLevel]], measured: Measurements) -> LevelResources:
    value = {field: level.increase if field == "preemptions" else level.mean for field, (_, level) in levels.items()}
    return LevelResources(
        cpu_cores=value["cpu_cores"], cpu_of=levels["cpu_cores"][0], memory_bytes=value["memory_bytes"],
        memory_peak_bytes=levels["memory_bytes"][1].peak, memory_of=levels["memory_bytes"][0],
        gpu_memory_bytes=value["gpu_memory_bytes"], kv_cache_percent=value["kv_cache_percent"],
        waiting=value["waiting"], running=value["running"], preemptions=value["preemptions"],
        missing=tuple(_reasons(levels, value, measured)))


def _reasons(
    levels: Mapping[str, tuple[str | None, ResourceLevel]], value: Mapping[str, float | None], measured: Measurements,
) -> Iterator[tuple[str, str]]:
    for field, (name, _) in levels.items():
        if value[field] is None:
            yield field, measured.why_not(_FIELDS[field][0]) if name is None else NO_SAMPLE
