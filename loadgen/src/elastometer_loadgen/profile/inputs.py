"""The files that a profile names: which they are, and the profile after they were read.

The files of Trace stages say when requests arrive and how long they are; those of datasets fill prompts. The caller
decides where the files are opened; nothing is sent before all of them were read.
"""

from collections.abc import Iterator
from dataclasses import replace

from elastometer_loadgen.base.fields import Fault
from elastometer_loadgen.base.files import FileFault, OpenFile
from elastometer_loadgen.profile.dataset import read_rows
from elastometer_loadgen.profile.impossible import check_total
from elastometer_loadgen.profile.profile import Profile, ProfileError
from elastometer_loadgen.profile.task import Task
from elastometer_loadgen.stages.stage import Stage


def files_of(profile: Profile) -> Iterator[tuple[str, str]]:
    """Pairs of the path of a field and the file that it names, for every file of a profile."""
    for task in profile.tasks:
        if task.file is not None:
            yield task.file.path, task.file.name
    for index, stage in enumerate(profile.stages):
        if stage.data_file is not None:
            yield f"stages[{index}].file", stage.data_file


def with_files(profile: Profile, open_file: OpenFile) -> Profile:
    """The profile with all its files read; raises ProfileError."""
    faults: list[Fault] = []
    tasks = tuple(_with_rows(task, open_file, faults) for task in profile.tasks)
    stages = tuple(
        _with_data(stage, stage.data_file, f"stages[{index}]", open_file, faults) if stage.data_file else stage
        for index, stage in enumerate(profile.stages)
    )
    profile = replace(profile, tasks=tasks, stages=stages)
    if not faults:
        check_total(profile, faults)
    if faults:
        raise ProfileError(faults)
    return profile


def _with_rows(task: Task, open_file: OpenFile, faults: list[Fault]) -> Task:
    if task.file is None:
        return task
    try:
        with open_file(task.file.name) as lines:
            return replace(task, dataset=read_rows(lines, task.file.name, task.needs))
    except FileFault as fault:
        faults.append(Fault(task.file.path, str(fault)))
        return task


def _with_data(stage: Stage, name: str, path: str, open_file: OpenFile, faults: list[Fault]) -> Stage:
    try:
        with open_file(name) as lines:
            stage = stage.with_data(lines)
    except FileFault as fault:
        faults.append(Fault(f"{path}.file", str(fault)))
    if (refusal := stage.data_refusal()) is not None:
        faults.append(Fault(f"{path}.{refusal.field}", refusal.rule))
    return stage
