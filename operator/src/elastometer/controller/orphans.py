"""Run directories of deleted tests. A test may be deleted while no operator runs, so that no daemon removes its run."""

from __future__ import annotations

import asyncio
import logging
import shutil

from elastometer.controller.session import Context
from elastometer.model.names import Names

log = logging.getLogger(__name__)


def forget(context: Context, names: Names) -> None:
    """Deletes the run of a test that was deleted. What a thread may still write there is left to the next sweep."""
    context.receiver.unregister(names.uid)
    shutil.rmtree(context.data / names.run_directory, ignore_errors=True)


async def sweep(context: Context, namespace: str | None) -> None:
    """Deletes the runs whose test no longer exists, in one namespace or in all."""
    # Directories before tests: one that a new test makes while the API server answers must not be among them.
    found = [path for path in context.data.glob(f"runs/{namespace or '*'}/*") if path.is_dir()]
    tests = await context.cluster.tests(namespace)
    wanted = {context.data / names_of(test["metadata"]).run_directory for test in tests}
    for path in found:
        if path not in wanted:
            log.info("removing a run whose test was deleted", extra={"directory": str(path)})
            await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)


def names_of(metadata: dict[str, str]) -> Names:
    """The names of a test's children, from its metadata as served."""
    return Names(metadata["namespace"], metadata["name"], metadata["uid"])
