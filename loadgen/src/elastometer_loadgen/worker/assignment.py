"""What one worker is to do."""

from dataclasses import dataclass, field
from pathlib import Path

from elastometer_loadgen.base.target import Target
from elastometer_loadgen.plan.prompts import PATHS
from elastometer_loadgen.profile.profile import Profile
from elastometer_loadgen.wire.client import Route
from elastometer_loadgen.wire.endpoints import Endpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A share of a profile, and where it goes. Without an incarnation the worker is alone and cannot be continued."""

    profile: Profile
    target: Target
    out: Path
    model: str | None = None
    worker: int = 0
    workers: int = 1
    api_key: str | None = field(default=None, repr=False)
    endpoints: Endpoints | None = None
    """Kept up to date by somebody; with the connection policy SpreadOverPods alone."""
    incarnation: str | None = None

    def route(self, run_id: str) -> Route:
        """How its requests get there; the run's id is part of each request's."""
        return Route(
            target=self.target,
            path=PATHS[self.profile.endpoint],
            rule=self.profile.connection,
            api_key=self.api_key,
            run_id=run_id,
            endpoints=self.endpoints,
            retries=self.profile.retries,
        )
