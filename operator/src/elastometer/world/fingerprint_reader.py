"""Reads the line that the load printed for one request, from a bundle or from the directory of a run that goes on."""
from __future__ import annotations

from pathlib import Path

import orjson

from elastometer.model.bundle_files import COMPRESSED, FINGERPRINTS, LINES_SUFFIX, MANIFEST, WORKERS
from elastometer.model.document import text_at
from elastometer.world.run_files import RunFiles

_PACKED = FINGERPRINTS + COMPRESSED


def fingerprint_line(path: Path, number: int) -> str | None:
    """The line of the request with this id; None where there is none. Raises BundleError for a damaged file."""
    files = RunFiles(path, (MANIFEST, _PACKED))
    start = b'{"id":%d,' % number
    for name in _names(files):
        for block in files.blocks(name):
            at = 0 if block.startswith(start) else block.find(b"\n" + start) + 1
            if at or block.startswith(start):
                return text_at(orjson.loads(block[at : block.index(b"\n", at)]), "line")
    return None


def _names(files: RunFiles) -> list[str]:
    running = sorted(name for name in files if name.startswith(f"{WORKERS}/") and name.endswith(LINES_SUFFIX))
    return running or [name for name in (_PACKED,) if name in files]
