"""Builds the layers of the project's own Python images: a Debian base, third-party packages, and the wheel.

What changes often is a small layer of its own on top, so that a code change takes seconds. Each layer's file is named
by a digest of its inputs, and a layer that exists is never built again.
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
EXCLUDED_DATA = ("man", "doc", "locale", "info", "lintian")
IMAGE_PYTHON = "3.11"
"""The version in Debian bookworm. Packages are selected for it, whatever version the host has."""
GLIBC_PLATFORMS = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014")
"""Tags of wheels that run on bookworm's glibc 2.36; with --platform pip takes those that are listed and no others."""
DEPENDENCIES = "/opt/elastometer/dependencies"
APPLICATION = "/opt/elastometer/application"
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "operator/vendor.py", "operator/src", "loadgen/src",
           "lab/standin/src")
"""Everything that the wheel is made from: hatchling's inputs and the packages."""
KEPT_LAYERS = 6
"""Of each kind: three images have different dependencies, and the layers from before a change are kept too."""
RECIPE = "1"
"""To be raised whenever this module makes different layers from the same inputs."""


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
    """All three images. Base and wheel are built once, so they are the same even if sources change meanwhile."""
    base, wheel = base_layer(layers), wheel_layer(layers)
    return [python_image(wanted, (base, dependency_layer(layers, requirements(wanted.extra)), wheel))
            for wanted in PYTHON_IMAGES]


def python_image(wanted: PythonImage, layers: tuple[Layer, ...]) -> Image:
    """One image, which runs as an unprivileged user and writes to /tmp only."""
    return Image(
        wanted.name, layers,
        entrypoint=("python3", "-m", wanted.module),
        environment=(f"PATH={APPLICATION}/bin:/usr/local/bin:/usr/bin:/bin",
                     f"PYTHONPATH={APPLICATION}:{DEPENDENCIES}", "PYTHONUNBUFFERED=1",
                     "PYTHONDONTWRITEBYTECODE=1", "HOME=/tmp", "LANG=C.UTF-8"),
        working_directory="/tmp")


def digest(parts: Iterable[str]) -> str:
    """The key of a layer that is made from these inputs."""
    return hashlib.sha256("\0".join((RECIPE, *parts)).encode()).hexdigest()[:24]


def layer_of(layers: Path, kind: str, key: str, build: Callable[[Path], None], *, kept: int = KEPT_LAYERS) -> Layer:
    """The layer of this kind and key, built if it does not exist; then the oldest ones of its kind are removed."""
    path = layers / f"{kind}-{key}.tar"
    if not path.exists():
        layers.mkdir(parents=True, exist_ok=True)
        build(path)
        for old in sorted(layers.glob(f"{kind}-*.tar"), key=lambda layer: layer.stat().st_mtime)[:-kept]:
            old.unlink()
            old.with_suffix(".sha256").unlink(missing_ok=True)
    return stored_layer(path)


def base_layer(layers: Path, packages: str = BASE_PACKAGES) -> Layer:
    """Debian with these packages, with Python alone about 150 MB; made once."""
    def build(path: Path) -> None:
        draft = path.with_suffix(".draft.tar")
        excluded = [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in EXCLUDED_DATA]
        run_builder("the Python base image", [
            "mmdebstrap", "--quiet", "--variant=essential", f"--include={packages}", *excluded, SUITE,
            str(draft), MIRROR])
        draft.replace(path)

    return layer_of(layers, "base", digest([SUITE, packages, *EXCLUDED_DATA]), build)


def requirements(extra: str) -> tuple[str, ...]:
    """What an image needs, as stated in pyproject.toml: its extra, which is complete."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    return tuple(sorted(project["optional-dependencies"][extra]))


def dependency_layer(layers: Path, wanted: tuple[str, ...]) -> Layer:
    """Packages from the index, for the image's version of Python and not the host's."""
    def build(path: Path) -> None:
        with tempfile.TemporaryDirectory(dir=layers) as folder:
            machine = platform.machine()
            run_builder("Python packages", [
                *pip(), "install", "--target", folder, f"--python-version={IMAGE_PYTHON}", "--only-binary=:all:",
                "--implementation=cp", "--no-compile", *(f"--platform={p}_{machine}" for p in GLIBC_PLATFORMS),
                *wanted])
            # Scripts that pip wrote begin with the path of the host's Python.
            shutil.rmtree(Path(folder, "bin"), ignore_errors=True)
            precompile(Path(folder), DEPENDENCIES)
            write_layer(path, trees=[(Path(folder), DEPENDENCIES)])

    return layer_of(layers, "dependencies", digest([IMAGE_PYTHON, platform.machine(), *wanted]), build)


def source_digest() -> str:
    """A digest of every file that the wheel is made from; Python's caches do not count."""
    parts = []
    for source in SOURCES:
        place = REPOSITORY / source
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and "__pycache__" not in path.parts:
                parts += [str(path.relative_to(REPOSITORY)), hashlib.sha256(path.read_bytes()).hexdigest()]
    return digest(parts)


def wheel_layer(layers: Path) -> Layer:
    """The project itself: the same layer in all three images, so that their versions cannot differ."""
    def build(path: Path) -> None:
        with tempfile.TemporaryDirectory(dir=layers) as folder:
            target = Path(folder, "target")
            run_builder("the project's wheel", [
                *pip(), "wheel", "--no-deps", *without_isolation(), "--wheel-dir", folder, str(REPOSITORY)])
            wheel = next(Path(folder).glob("*.whl"))
            run_builder("the project's wheel", [
                *pip(), "install", "--no-deps", "--no-compile", "--target", str(target), str(wheel)])
            shutil.rmtree(target / "bin", ignore_errors=True)
            precompile(target, APPLICATION)
            write_layer(path, trees=[(target, APPLICATION)], texts=scripts(target))

    return layer_of(layers, "wheel", source_digest(), build)


def scripts(target: Path) -> list[tuple[str, str]]:
    """The wheel's commands, which start the image's Python: pip would write the path of the host's."""
    points = ConfigParser(delimiters=("=",))
    points.read(next(target.glob("*.dist-info/entry_points.txt")))
    made = []
    for name, point in points["console_scripts"].items():
        module, _, function = point.partition(":")
        made.append((f"#!/usr/bin/python3\nimport sys\n\nfrom {module} import {function}\n\nsys.exit({function}())\n",
                     f"{APPLICATION}/bin/{name}"))
    return made


def precompile(target: Path, place: str) -> None:
    """Compile to byte code, so that Pods start faster, if the host's Python has the image's version.

    With "unchecked hash" files, because the usual ones contain modification times, which the layer does not keep.
    """
    if f"{sys.version_info.major}.{sys.version_info.minor}" == IMAGE_PYTHON:
        compileall.compile_dir(target, quiet=2, stripdir=str(target), prependdir=place, workers=1, maxlevels=20,
                               invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)


def pip() -> list[str]:
    """The beginning of a pip command line."""
    return [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]


def without_isolation() -> list[str]:
    """The option to build with an installed hatchling, if there is one: it takes one second instead of ten."""
    found = subprocess.run([sys.executable, "-c", "import hatchling"], capture_output=True, check=False)
    return ["--no-build-isolation"] if found.returncode == 0 else []


def run_builder(what: str, argv: list[str]) -> None:
    """Run a program that builds something; the end of its output becomes the LabError."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=None)
    if done.returncode:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise LabError(f"{what} could not be built: `{' '.join(argv[:6])} …` exited with {done.returncode}.\n{tail}")
