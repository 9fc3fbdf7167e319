"""The handlers that kopf calls, and nothing else: one daemon per ElasticityTest.

A daemon and not change handlers: kopf's handlers are called once per change, whereas a run is decided from the facts of
many objects and by deadlines, again and again until it has ended.
"""

from __future__ import annotations

import logging
from typing import Any

import kopf

from elastometer.controller.daemon import run_test
from elastometer.controller.orphans import forget, names_of
from elastometer.controller.session import Context
from elastometer.controller.settings import configure
from elastometer.model.names import GROUP, PLURAL, VERSION

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

    async def stops_within(seconds: float) -> bool:
        await stopped.wait(seconds)
        return bool(stopped)

    def announce(kind: str, reason: str, message: str) -> None:
        kopf.event(body, type=kind, reason=reason, message=message[:EVENT_CHARACTERS])

    # kopf's body changes under the daemon as the object does, but a run keeps the spec that it began with.
    frozen = {"metadata": dict(body["metadata"]), "spec": dict(body["spec"]), "status": dict(body.get("status", {}))}
    try:
        await run_test(memo, frozen, stops_within, announce)
    finally:  # also when the daemon was cancelled because it did not stop in time
        reason = stopped.reason
        if reason is not None and kopf.DaemonStoppingReason.RESOURCE_DELETED in reason:
            forget(memo, names_of(frozen["metadata"]))
