"""Directories of deleted tests and studies. One may be deleted while no operator runs, so that no daemon removes its
directory."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path

from elastometer.controller.session import Context
from elastometer.model.names import Names
from elastometer.model.study_names import StudyNames

log = logging.getLogger(__name__)


def forget(context: Context, names: Names) -> None:
    """Deletes the run of a test that was deleted. What a thread may still write there is left to the next sweep."""
    context.receiver.unregister(names.uid)
    shutil.rmtree(context.data / names.run_directory, ignore_errors=True)


def forget_study(context: Context, names: StudyNames) -> None:
    """Deletes the directory of a study that was deleted; its runs are tests of their own."""
    shutil.rmtree(context.data / names.directory, ignore_errors=True)


async def sweep(context: Context, namespace: str | None) -> None:
    """Deletes the directories whose test or study no longer exists, in one namespace or in all."""
    # Directories before objects: one that is made while the API server answers must not be among them.
    runs, studies = _directories(context, "runs", namespace), _directories(context, "studies", namespace)
    wanted = {context.data / names_of(test["metadata"]).run_directory
              for test in await context.cluster.tests(namespace)}
    if studies:
        wanted |= {context.data / study_names(study["metadata"]).directory
                   for study in await context.cluster.studies(namespace)}
    for path in (*runs, *studies):
        if path not in wanted:
            log.info("removing what a deleted object left", extra={"directory": str(path)})
            await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)


def _directories(context: Context, room: str, namespace: str | None) -> list[Path]:
    return [path for path in context.data.glob(f"{room}/{namespace or '*'}/*") if path.is_dir()]


def study_names(metadata: Mapping[str, str]) -> StudyNames:
    """The names of a study's children, from its metadata as served."""
    return StudyNames(metadata["namespace"], metadata["name"], metadata["uid"])


def names_of(metadata: dict[str, str]) -> Names:
    """The names of a test's children, from its metadata as served."""
    return Names(metadata["namespace"], metadata["name"], metadata["uid"])
