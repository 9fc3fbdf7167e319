"""Fetches a finished run's bundle through the API server, and unpacks it without trusting the names in it."""
from __future__ import annotations

import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import urllib3
import zstandard
from kubernetes.client.exceptions import ApiException

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.cluster.api_errors import refusal
from elastometer.cli.cluster.cluster import ClusterClient, Json, retrying
from elastometer.model.bundle_files import BUNDLE
from elastometer.model.names import Names

_CHUNK = 1 << 20


def fetch(cluster: ClusterClient, test: Json, directory: Path) -> list[str]:
    """Unpacks the bundle of a finished test into `directory`; returns the names of its files."""
    reference = (test.get("status") or {}).get("bundleRef")
    metadata = test["metadata"]
    if not reference:
        raise CliError(Exit.NOT_CARRIED_OUT, f"ElasticityTest '{metadata['name']}' has no bundle (yet)")
    secret = Names(metadata["namespace"], metadata["name"], metadata["uid"]).load
    try:
        token = cluster.token(secret)
        with tempfile.TemporaryFile() as archive:
            retrying(lambda: _download(cluster, reference, token, archive))
            return unpack(archive, directory)
    except (ApiException, urllib3.exceptions.HTTPError) as error:
        raise CliError(Exit.NOT_CARRIED_OUT, _explained(error, reference)) from error


def _download(cluster: ClusterClient, reference: Json, token: str, archive: Any) -> None:
    """Downloads the whole archive. A retry starts from the beginning: the first attempt may have left a part of it."""
    archive.seek(0)
    archive.truncate()
    answer = cluster.through_service(reference, BUNDLE, token)
    try:
        if answer.status != 200:
            raise ApiException(status=answer.status, reason=answer.reason, body=answer.read(4096))
        for piece in answer.stream(_CHUNK):
            archive.write(piece)
    finally:
        answer.release_conn()
    archive.seek(0)


def _explained(error: Exception, reference: Json) -> str:
    where = f"{reference.get('namespace')}/{reference.get('service')}:{reference.get('port')}"
    if isinstance(error, ApiException) and error.status == 403:
        return (f"not allowed to fetch the bundle: this needs `get` on services/proxy for {where} "
                f"and on the run's Secret: {'; '.join(refusal(error))}")
    status = f"{error.status} {'; '.join(refusal(error))}" if isinstance(error, ApiException) else str(error)
    return f"cannot fetch the bundle from {where} through the API server: {status}"


def unpack(archive: Any, directory: Path) -> list[str]:
    """Unpacks the archive's files without their top folder; returns their names. Nothing is written elsewhere.

    The files go to a folder next to their destination first: an archive that is cut off or hostile leaves nothing.
    """
    if not hasattr(tarfile, "data_filter"):
        raise CliError(Exit.NOT_CARRIED_OUT, "this Python cannot unpack safely; use 3.11.4 or later")
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=directory, prefix=".unpacking-") as staging:
            with zstandard.ZstdDecompressor().stream_reader(archive) as stream, \
                    tarfile.open(fileobj=stream, mode="r|") as members:
                names = list(_extract(members, Path(staging)))
            for name in names:
                target = directory / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(Path(staging) / name, target)
    except (tarfile.TarError, zstandard.ZstdError, EOFError, OSError) as error:
        why = getattr(error, "strerror", None) or error
        raise CliError(Exit.NOT_CARRIED_OUT, f"cannot unpack the bundle into {directory}: {why}") from error
    return names


def _extract(members: tarfile.TarFile, staging: Path) -> Iterator[str]:
    """Extracts the plain files and yields each name relative to the archive's top folder."""
    for member in members:
        if not member.isfile():
            continue
        parts = [part for part in PurePosixPath(member.name).parts if part not in (".", "/")]
        member.name = "/".join(parts[1:] if len(parts) > 1 else parts)
        members.extract(member, staging, filter="data")
        yield member.name
