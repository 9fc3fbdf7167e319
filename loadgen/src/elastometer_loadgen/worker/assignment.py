"""What one worker has to do."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from elastometer_loadgen.base.target import Target
from elastometer_loadgen.drive.share import WorkerShare
from elastometer_loadgen.plan.prompts import PATHS
from elastometer_loadgen.plan.schedule import Schedule
from elastometer_loadgen.profile.profile import Profile
from elastometer_loadgen.wire.client import Route
from elastometer_loadgen.wire.endpoints import Endpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A share of a profile, and where it goes. Without an incarnation a worker is alone and cannot be continued."""

    profile: Profile
    target: Target
    out: Path
    model: str | None = None
    worker: int = 0
    workers: int = 1
    api_key: str | None = field(default=None, repr=False)
    endpoints: Endpoints | None = None
    """Addresses that follow the server's Pods; only with the connection policy SpreadOverPods."""
    incarnation: str | None = None

    @property
    def url(self) -> str:
        """Where its requests go."""
        return f"{self.target.url}{PATHS[self.profile.endpoint]}"

    def share(self, schedule: Schedule, done: Collection[int], turns: Callable[[int], int]) -> WorkerShare:
        """Its part of the load; `done` are the requests that an earlier incarnation recorded."""
        return WorkerShare(
            profile=self.profile,
            schedule=schedule,
            worker=self.worker,
            workers=self.workers,
            done=done,
            turns=turns,
        )

    def route(self, run_id: str) -> Route:
        """How its requests reach the server; the run's id is part of each request's id."""
        return Route(
            target=self.target,
            path=PATHS[self.profile.endpoint],
            rule=self.profile.connection,
            api_key=self.api_key,
            run_id=run_id,
            endpoints=self.endpoints,
            retries=self.profile.retries,
        )
