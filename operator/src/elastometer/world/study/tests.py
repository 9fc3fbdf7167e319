"""Follows the ElasticityTests of one study by one watch, selected by their label."""
from __future__ import annotations

import asyncio
import logging

from kubernetes.aio.client import ApiClient

from elastometer.model.errors import WorldError
from elastometer.model.names import API_VERSION, KIND, PLURAL, STUDY_LABEL
from elastometer.model.study_names import StudyNames
from elastometer.world.api_reader import ApiReader
from elastometer.world.clock import Clock
from elastometer.world.cluster import owners, path_of
from elastometer.world.log_lines import of_study
from elastometer.world.watched import Json, Watched
from elastometer.world.watching import Broken, Observed, ResourceWatch, Watching

log = logging.getLogger(__name__)


class StudyTests:
    """The newest of each test that belongs to the study. `changed` is set whenever one changes."""

    def __init__(self, api: ApiClient, names: StudyNames, clock: Clock) -> None:
        self.changed = asyncio.Event()
        self._names = names
        self._broken = "no answer yet"
        self._listed = asyncio.Event()
        path = path_of(API_VERSION, KIND, names.namespace)
        watched = Watched(KIND, PLURAL, path, {"labelSelector": f"{STUDY_LABEL}={names.study}"}, kept=_kept)
        self._watch = ResourceWatch(ApiReader(api, clock), watched, clock)

    async def run(self) -> None:
        """Watches until cancelled; what the watch loses, it lists again."""
        async for news in self._watch.news():
            match news:
                case Observed():
                    self.changed.set()
                case Broken(reason):
                    log.warning("watch broken", extra=of_study(self._names, resource=PLURAL, reason=reason))
                    self._broken = reason
                case Watching():
                    self._listed.set()

    async def synced(self, seconds: float) -> None:
        """Returns when all tests are listed; raises WorldError, with the reason, when so many seconds have passed."""
        try:
            async with asyncio.timeout(seconds):
                await self._listed.wait()
        except TimeoutError:
            said = f"the runs of the study could not be listed within {seconds:g} s: {self._broken}"
            raise WorldError(said) from None

    @property
    def own(self) -> dict[str, Json]:
        """The tests whose owner is the study, by name. A label alone proves nothing: anybody may set one."""
        return {name: item for name, item in self._watch.items.items() if self._names.uid in owners(item)}


def _kept(test: Json) -> Json:
    """What a study needs of a test: whose it is, and how far."""
    metadata = {key: value for key, value in test["metadata"].items() if key != "managedFields"}
    return {"metadata": metadata, "status": test.get("status") or {}}
