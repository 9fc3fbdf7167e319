"""Build hook: puts the pinned chart library into the wheel, so that a report needs no network.

The file is fetched from the npm registry once, checked against a pinned digest, and kept out of git.
"""
from __future__ import annotations

import base64
import hashlib
import io
import os
import tarfile
import urllib.request
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VERSION = "1.6.32"
INTEGRITY = "sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw=="
FILES = {"package/dist/uPlot.iife.min.js": "uPlot.js", "package/dist/uPlot.min.css": "uPlot.css",
         "package/LICENSE": "uPlot.LICENSE"}
TARGET = Path(__file__).parent / "src/elastometer/render/vendor"


class VendorHook(BuildHookInterface):  # type: ignore[type-arg]
    """Fetches uPlot unless the pinned files are there already."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Fills the vendor directory; refuses a package whose digest is not the pinned one."""
        marker = TARGET / "VERSION"
        if marker.is_file() and marker.read_text() == VERSION:
            return
        registry = os.environ.get("NPM_CONFIG_REGISTRY", "https://registry.npmjs.org").rstrip("/")
        with urllib.request.urlopen(f"{registry}/uplot/-/uplot-{VERSION}.tgz", timeout=60) as answer:
            package = answer.read()
        digest = "sha512-" + base64.b64encode(hashlib.sha512(package).digest()).decode()
        if digest != INTEGRITY:
            raise RuntimeError(f"uplot {VERSION}: digest {digest} is not the pinned {INTEGRITY}")
        TARGET.mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=io.BytesIO(package)) as tar:
            for member, name in FILES.items():
                content = tar.extractfile(member)
                if content is None:
                    raise RuntimeError(f"uplot {VERSION} has no {member}")
                (TARGET / name).write_bytes(content.read())
        marker.write_text(VERSION)
