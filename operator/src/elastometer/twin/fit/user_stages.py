"""The closed-loop stages of a load profile as the twin runs them."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf

from elastometer.twin.closed_load import Step, UserStage
from elastometer_loadgen.profile.profile import Profile
from elastometer_loadgen.stages.count import CountStage
from elastometer_loadgen.stages.knee import KneeStage, KneeVariable
from elastometer_loadgen.stages.stage import Stage
from elastometer_loadgen.stages.users import UsersStage


def depends_on_answers(profile: Profile) -> bool:
    """Whether when a request is sent depends on an answer."""
    return profile.max_turns > 1 or any(map(_has_users, profile.stages))


def _has_users(stage: Stage) -> bool:
    is_search = isinstance(stage, KneeStage) and stage.of is KneeVariable.USERS
    return is_search or isinstance(stage, UsersStage | CountStage)


def user_stages(
    profile: Profile, windows: Sequence[tuple[float, float]], knees: Mapping[str, Sequence[Step]] | None,
) -> Iterator[UserStage]:
    """Its stages of users, each in its window (begin, end) in seconds from the load's start. `knees` has the steps of
    each Knee of users, by the stage's name; the last of them ends with the window. Without them, a Knee chooses its
    steps as it runs."""
    present = 0
    for index, (stage, (begin, end)) in enumerate(zip(profile.stages, windows, strict=True)):
        match stage:
            case UsersStage():
                rate = None if stage.spawn_rate is None else float(stage.spawn_rate)
                yield UserStage(index, begin, end, (Step(begin, stage.users, stage.max_per_user),), present, rate,
                                float(stage.think.low), float(stage.think.high - stage.think.low),
                                warmup=float(stage.warmup_seconds))
                present = stage.present(stage.duration_seconds, present)
            case CountStage():
                yield UserStage(index, begin, end, (Step(begin, stage.concurrency, inf),), present, count=stage.count)
                present = stage.concurrency
            case KneeStage() if knees is None or stage.of is KneeVariable.USERS:
                first = (Step(begin, stage.steps[0], stage.max_per_user(stage.step_seconds)),)
                steps = first if knees is None else tuple(knees[stage.name])
                yield UserStage(index, begin, end, steps, think=float(stage.think.low),
                                think_span=float(stage.think.high - stage.think.low),
                                knee=stage if knees is None else None, warmup=float(stage.warmup_seconds))
                present = 0
            case _:
                present = 0
