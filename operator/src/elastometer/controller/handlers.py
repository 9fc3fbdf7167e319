"""kopf's decorators, and nothing else: one daemon per ElasticityTest."""

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
# An event's message may hold 1,024 bytes.
EVENT_CHARACTERS = 1000


@kopf.on.startup()
async def startup(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Settings, each with its reason, are in `settings`."""
    configure(settings)


# The flag first: a daemon that is cancelled at once cannot take its run with it.
@kopf.daemon(GROUP, VERSION, PLURAL, cancellation_backoff=20.0, cancellation_timeout=10.0)
async def elasticitytest(body: kopf.Body, memo: Context, stopped: kopf.DaemonStopped, **_: Any) -> None:
    """Runs a test until it is deleted; a deleted one takes its run with it."""

    async def let_go(seconds: float) -> bool:
        await stopped.wait(seconds)
        return bool(stopped)

    def announce(kind: str, reason: str, message: str) -> None:
        kopf.event(body, type=kind, reason=reason, message=message[:EVENT_CHARACTERS])

    frozen = {"metadata": dict(body["metadata"]), "spec": dict(body["spec"]), "status": dict(body.get("status", {}))}
    try:
        await run_test(memo, frozen, let_go, announce)
    finally:  # also when it was cancelled, since it did not come back in time
        reason = stopped.reason
        if reason is not None and kopf.DaemonStoppingReason.RESOURCE_DELETED in reason:
            forget(memo, names_of(frozen["metadata"]))
