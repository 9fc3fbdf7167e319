"""kopf's settings, each with its reason."""

from __future__ import annotations

import kopf

from elastometer.model.names import GROUP


def configure(settings: kopf.OperatorSettings) -> None:
    """Sets what differs from kopf's defaults."""
    # Finalizer and annotations carry our own group, so that an administrator sees whose they are.
    settings.persistence.finalizer = f"{GROUP}/run"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=GROUP)
    settings.posting.reporting_component = "elastometer"
    # An API server that is gone must be noticed within seconds; kopf's default waits five minutes.
    settings.networking.request_timeout = 10.0
    settings.networking.connect_timeout = 5.0
    # Below the five minutes after which many proxies cut a connection, as for the watches of our own.
    settings.watching.server_timeout = 290
    settings.watching.client_timeout = 300.0
    # A daemon that failed is started again soon, not after kopf's minute: a run in progress continues without it.
    settings.execution.default_backoff = 5.0
    # Below the Pod's terminationGracePeriodSeconds of 60. All state is on the disk; there is nothing to wait for.
    settings.process.ultimate_exiting_timeout = 20.0
    # Closing a recording takes a moment. Without this kopf checks again only after the whole cancellation backoff: its
    # finalizer held a test that was deleted while it was judged for 21 s.
    settings.background.instant_exit_timeout = 3.0
