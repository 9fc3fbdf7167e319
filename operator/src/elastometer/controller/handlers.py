"""The handlers that kopf calls, and nothing else: one daemon per ElasticityTest, and one per ElasticityStudy.

A daemon and not change handlers: kopf's handlers are called once per change, whereas a run is decided from the facts of
many objects and by deadlines, again and again until it has ended.
"""

from __future__ import annotations

import logging
from typing import Any

import kopf

from elastometer.controller.daemon import run_test
from elastometer.controller.loop import Announce, Stopped
from elastometer.controller.orphans import forget, forget_study, names_of, study_names
from elastometer.controller.session import Context
from elastometer.controller.settings import configure
from elastometer.controller.study.daemon import run_study
from elastometer.model.names import GROUP, PLURAL, STUDY_PLURAL, VERSION

log = logging.getLogger(__name__)
# The API server refuses an event whose message is longer than 1,024 bytes.
EVENT_CHARACTERS = 1000


@kopf.on.startup()
async def startup(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Applies our settings of kopf; `settings` gives the reason of each."""
    configure(settings)


# kopf first sets the flag `stopped`, and cancels 20 s later: a daemon that is cancelled at once could not close its
# recording.
@kopf.daemon(GROUP, VERSION, PLURAL, cancellation_backoff=20.0, cancellation_timeout=10.0)
async def elasticitytest(body: kopf.Body, memo: Context, stopped: kopf.DaemonStopped, **_: Any) -> None:
    """Carries out a test. When the test is deleted, its run is deleted with it."""

    frozen = _frozen(body)
    try:
        await run_test(memo, frozen, _stops_within(stopped), _announce(body))
    finally:  # also when the daemon was cancelled because it did not stop in time
        if _is_deleted(stopped):
            forget(memo, names_of(frozen["metadata"]))


@kopf.daemon(GROUP, VERSION, STUDY_PLURAL, cancellation_backoff=20.0, cancellation_timeout=10.0)
async def elasticitystudy(body: kopf.Body, memo: Context, stopped: kopf.DaemonStopped, **_: Any) -> None:
    """Carries out a study. When the study is deleted, so are its runs: they are its children."""
    frozen = _frozen(body)
    try:
        await run_study(memo, frozen, lambda: int(body["metadata"]["generation"]), _stops_within(stopped),
                        _announce(body))
    finally:
        if _is_deleted(stopped):
            forget_study(memo, study_names(frozen["metadata"]))


def _frozen(body: kopf.Body) -> dict[str, Any]:
    """kopf's body changes under the daemon as the object does, but a run keeps the spec that it began with."""
    return {"metadata": dict(body["metadata"]), "spec": dict(body["spec"]), "status": dict(body.get("status", {}))}


def _stops_within(stopped: kopf.DaemonStopped) -> Stopped:
    async def stops_within(seconds: float) -> bool:
        await stopped.wait(seconds)
        return bool(stopped)

    return stops_within


def _announce(body: kopf.Body) -> Announce:
    def announce(kind: str, reason: str, message: str) -> None:
        kopf.event(body, type=kind, reason=reason, message=message[:EVENT_CHARACTERS])

    return announce


def _is_deleted(stopped: kopf.DaemonStopped) -> bool:
    """Whether the daemon stops because its object is deleted, and not because the operator ends."""
    reason = stopped.reason
    return reason is not None and kopf.DaemonStoppingReason.RESOURCE_DELETED in reason
