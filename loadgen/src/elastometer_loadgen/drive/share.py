"""One worker's part of a load: what the stage runner and the user pool need to know to send it, and nothing of how."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from elastometer_loadgen.plan.schedule import Schedule
from elastometer_loadgen.profile.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerShare:
    """The part of worker `worker` of `workers`.

    `done` holds the ids of the requests that an earlier incarnation recorded: they are not sent again. `turns` gives
    the number of requests in the conversation that an id starts, which is 1 where its task is not a conversation.
    """

    profile: Profile
    schedule: Schedule
    worker: int
    workers: int
    done: Collection[int]
    turns: Callable[[int], int]
