"""Layers of the project's own Python images: a Debian base, third-party packages, and the wheel.

What changes often is its own small layer on top, so that a change of code costs seconds. Each layer's file is named
by a digest of what went in; a layer that is there is never built again.
"""
from __future__ import annotations

import compileall
import hashlib
import platform
import py_compile
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path

from elastometer_lab.archive import Image, Layer, stored_layer, write_layer
from elastometer_lab.errors import LabError
from elastometer_lab.paths import REPOSITORY

SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
BASE_PACKAGES = "python3,ca-certificates"
LEFT_OUT = ("man", "doc", "locale", "info", "lintian")
IMAGE_PYTHON = "3.11"
"""Debian bookworm's; wheels are chosen for it, whatever the host has."""
GLIBC_PLATFORMS = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014")
DEPENDENCIES = "/opt/elastometer/dependencies"
APPLICATION = "/opt/elastometer/application"
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "operator/vendor.py", "operator/src", "loadgen/src",
           "lab/standin/src")
KEPT_LAYERS = 6
"""Of each kind: three images with different dependencies, now and before a change."""
RECIPE = "1"
"""Raised when this module makes different layers from the same inputs."""


@dataclass(frozen=True, slots=True)
class PythonImage:
    """One of the project's images: which extra it installs and which module it runs."""

    name: str
    extra: str
    module: str


PYTHON_IMAGES = (
    PythonImage("docker.io/elastometer/operator:0.1.0", "operator", "elastometer.controller"),
    PythonImage("docker.io/elastometer/loadgen:0.1.0", "loadgen", "elastometer_loadgen"),
    PythonImage("docker.io/elastometer/standin:0.1.0", "standin", "elastometer_standin"),
)


def python_images(layers: Path) -> list[Image]:
    """All of them with the very same wheel, even while somebody edits the sources."""
    base, wheel = base_layer(layers), wheel_layer(layers)
    return [python_image(wanted, (base, dependency_layer(layers, requirements(wanted.extra)), wheel))
            for wanted in PYTHON_IMAGES]


def python_image(wanted: PythonImage, layers: tuple[Layer, ...]) -> Image:
    """Runs as nobody in particular, writes to /tmp alone."""
    return Image(
        wanted.name, layers,
        entrypoint=("python3", "-m", wanted.module),
        environment=(f"PATH={APPLICATION}/bin:/usr/local/bin:/usr/bin:/bin",
                     f"PYTHONPATH={APPLICATION}:{DEPENDENCIES}", "PYTHONUNBUFFERED=1",
                     "PYTHONDONTWRITEBYTECODE=1", "HOME=/tmp", "LANG=C.UTF-8"),
        working_directory="/tmp")


def digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join((RECIPE, *parts)).encode()).hexdigest()[:24]


def layer_of(layers: Path, kind: str, key: str, build: Callable[[Path], None], *, kept: int = KEPT_LAYERS) -> Layer:
    """The layer of this kind and key, built now if it is not there; the oldest ones of its kind go."""
    path = layers / f"{kind}-{key}.tar"
    if not path.exists():
        layers.mkdir(parents=True, exist_ok=True)
        build(path)
        for old in sorted(layers.glob(f"{kind}-*.tar"), key=lambda each: each.stat().st_mtime)[:-kept]:
            old.unlink()
            old.with_suffix(".sha256").unlink(missing_ok=True)
    return stored_layer(path)


def base_layer(layers: Path) -> Layer:
    """Debian with Python, about 150 MB, made once."""
    def build(path: Path) -> None:
        draft = path.with_suffix(".draft.tar")
        excluded = [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in LEFT_OUT]
        run_visibly("the Python base image", [
            "mmdebstrap", "--quiet", "--variant=essential", f"--include={BASE_PACKAGES}", *excluded, SUITE,
            str(draft), MIRROR])
        draft.replace(path)

    return layer_of(layers, "base", digest([SUITE, BASE_PACKAGES, *LEFT_OUT]), build)


def requirements(extra: str) -> tuple[str, ...]:
    """Third-party requirements of the project with one extra, as pyproject.toml states them."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    return tuple(sorted({*project["dependencies"], *project["optional-dependencies"][extra]}))


def dependency_layer(layers: Path, wanted: tuple[str, ...]) -> Layer:
    """Packages from the index, for the image's Python and not for the host's."""
    def build(path: Path) -> None:
        with tempfile.TemporaryDirectory(dir=layers) as folder:
            machine = platform.machine()
            run_visibly("Python packages", [
                *pip(), "install", "--target", folder, f"--python-version={IMAGE_PYTHON}", "--only-binary=:all:",
                "--implementation=cp", "--no-compile", *(f"--platform={p}_{machine}" for p in GLIBC_PLATFORMS),
                *wanted])
            shutil.rmtree(Path(folder, "bin"), ignore_errors=True)
            precompile(Path(folder), DEPENDENCIES)
            write_layer(path, trees=[(Path(folder), DEPENDENCIES)])

    return layer_of(layers, "dependencies", digest([IMAGE_PYTHON, platform.machine(), *wanted]), build)


def source_digest() -> str:
    """Of every file that the wheel is made from; caches of Python and hidden files do not count."""
    parts = []
    for source in SOURCES:
        place = REPOSITORY / source
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and "__pycache__" not in path.parts:
                parts += [str(path.relative_to(REPOSITORY)), hashlib.sha256(path.read_bytes()).hexdigest()]
    return digest(parts)


def wheel_layer(layers: Path) -> Layer:
    """The project itself; the same layer for all three images, so that they cannot differ in version."""
    def build(path: Path) -> None:
        with tempfile.TemporaryDirectory(dir=layers) as folder:
            target = Path(folder, "target")
            run_visibly("the project's wheel", [
                *pip(), "wheel", "--no-deps", *without_isolation(), "--wheel-dir", folder, str(REPOSITORY)])
            wheel = next(Path(folder).glob("*.whl"))
            run_visibly("the project's wheel", [
                *pip(), "install", "--no-deps", "--no-compile", "--target", str(target), str(wheel)])
            shutil.rmtree(target / "bin", ignore_errors=True)
            precompile(target, APPLICATION)
            write_layer(path, trees=[(target, APPLICATION)], texts=scripts(target))

    return layer_of(layers, "wheel", source_digest(), build)


def scripts(target: Path) -> list[tuple[str, str]]:
    """Commands of the wheel, for the image's Python (pip would name the host's in the first line)."""
    points = ConfigParser(delimiters=("=",))
    points.read(next(target.glob("*.dist-info/entry_points.txt")))
    made = []
    for name, point in points["console_scripts"].items():
        module, _, function = point.partition(":")
        made.append((f"#!/usr/bin/python3\nimport sys\n\nfrom {module} import {function}\n\nsys.exit({function}())\n",
                     f"{APPLICATION}/bin/{name}"))
    return made


def precompile(target: Path, place: str) -> None:
    """Byte code for a quicker start of pods, where the host's Python is of the image's version."""
    if f"{sys.version_info.major}.{sys.version_info.minor}" == IMAGE_PYTHON:
        compileall.compile_dir(target, quiet=2, stripdir=str(target), prependdir=place, workers=1, maxlevels=20,
                               invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)


def pip() -> list[str]:
    return [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]


def without_isolation() -> list[str]:
    """Builds with the hatchling at hand, if there is one: a second instead of ten."""
    found = subprocess.run([sys.executable, "-c", "import hatchling"], capture_output=True, check=False)
    return ["--no-build-isolation"] if found.returncode == 0 else []


def run_visibly(what: str, argv: list[str]) -> None:
    """Runs a builder; its last lines are the error."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=None)
    if done.returncode:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise LabError(f"{what} could not be built: `{' '.join(argv[:6])} …` ended with {done.returncode}.\n{tail}")
