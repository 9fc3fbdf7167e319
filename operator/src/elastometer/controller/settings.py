"""kopf's settings, each line with its reason."""

from __future__ import annotations

import kopf

from elastometer.model.names import GROUP


def configure(settings: kopf.OperatorSettings) -> None:
    """Sets what differs from kopf's defaults."""
    # Marks of our own: nothing in a cluster should carry another project's group.
    settings.persistence.finalizer = f"{GROUP}/run"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=GROUP)
    settings.posting.reporting_component = "elastometer"
    # An API server that is gone must be noticed within seconds; the default waits five minutes.
    settings.networking.request_timeout = 10.0
    settings.networking.connect_timeout = 5.0
    settings.watching.server_timeout = 290
    settings.watching.client_timeout = 300.0
    # A daemon's error is a bug or the environment: soon again, not after a minute.
    settings.execution.default_backoff = 5.0
    # The pod is killed 30 s after its SIGTERM; state is on disk, there is nothing to wait for.
    settings.process.ultimate_exiting_timeout = 20.0
    # Closing a recording takes a moment; without this kopf looks again only after the whole backoff of a daemon.
    settings.background.instant_exit_timeout = 3.0
