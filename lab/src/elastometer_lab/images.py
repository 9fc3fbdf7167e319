"""Builds the images that the lab needs, compares them with what containerd has, and imports those that differ."""
from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from elastometer_lab.archive import Image, write_archive, write_layer
from elastometer_lab.build import build
from elastometer_lab.component import running
from elastometer_lab.errors import LabError
from elastometer_lab.lock import exclusive
from elastometer_lab.node import ctr
from elastometer_lab.paths import Paths
from elastometer_lab.programs import DEFAULT_PROGRAMS, IMAGES, KEDA_IMAGES, KEDA_PROGRAMS, ProgramImage
from elastometer_lab.progress import Progress
from elastometer_lab.pythonimages import digest, layer_of, python_images
from elastometer_lab.settings import Settings, load_settings

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Built:
    """An image with its digest, which changes when anything in the image changes."""

    image: Image
    digest: str


def architecture() -> str:
    """This machine's architecture, as images name it."""
    return ARCHITECTURES.get(platform.machine(), platform.machine())


def build_programs(paths: Paths, keda: bool, progress: Progress) -> dict[str, Path]:
    """Binaries by program: those that every lab needs, and KEDA's if they were asked for."""
    return build((*DEFAULT_PROGRAMS, *(KEDA_PROGRAMS if keda else ())), paths.cache, progress)


def program_image(wanted: ProgramImage, binaries: Mapping[str, Path], layers: Path) -> Image:
    """An image of static programs and nothing else, at the paths where the upstream image has them."""
    files = [(binaries[program], place) for program, place in wanted.contents]
    kind = f"program-{wanted.contents[0][0]}"
    key = digest(f"{binary.name} {place}" for binary, place in files)
    # Only the newest is kept: the binary is in the cache anyway, and a layer of it is made in a second.
    layer = layer_of(layers, kind, key, lambda path: write_layer(path, files=files), kept=1)
    return Image(wanted.name, (layer,), entrypoint=wanted.entrypoint, user=wanted.user)


def build_images(paths: Paths, keda: bool, binaries: Mapping[str, Path]) -> list[Built]:
    """All images, of programs and of the project's sources; only layers that are missing are built."""
    layers = paths.cache / "layers"
    images = [program_image(wanted, binaries, layers) for wanted in (*IMAGES, *(KEDA_IMAGES if keda else ()))]
    images += python_images(layers)
    return [Built(image, image.digest(architecture())) for image in images]


def import_record(paths: Paths) -> Path:
    """The file that lists what was imported, by image name; it is in containerd's root, and removed with it."""
    return paths.containerd_root / "elastometer-imported.json"


def imported(paths: Paths) -> dict[str, str]:
    """The digests that containerd has, by name.

    An image counts only if it is in both lists: containerd lists one before its layers are unpacked, so an interrupted
    import would look complete.
    """
    try:
        recorded = orjson.loads(import_record(paths).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}
    listed = subprocess.run(ctr(paths, "images", "list"), capture_output=True, text=True, check=False).stdout
    present = {row[0]: row[2] for line in listed.splitlines() if len(row := line.split()) > 2}
    return {name: digest for name, digest in recorded.items() if present.get(name) == digest}


def import_images(paths: Paths, built: Sequence[Built]) -> list[str]:
    """Import the images that containerd does not have; returns their names."""
    have = imported(paths)
    missing = [candidate for candidate in built if have.get(candidate.image.name) != candidate.digest]
    if not missing:
        return []
    stream_to_containerd(paths, [candidate.image for candidate in missing])
    import_record(paths).write_bytes(orjson.dumps(have | {new.image.name: new.digest for new in missing}))
    return [new.image.name for new in missing]


def stream_to_containerd(paths: Paths, images: Sequence[Image]) -> None:
    """Write the archive straight into containerd's importer, without a second copy on the disk."""
    # Layers that containerd has are left out of the archive; it finds them in its content store by digest.
    content = subprocess.run(ctr(paths, "content", "list", "--quiet"), capture_output=True, text=True, check=False)
    process = subprocess.Popen(ctr(paths, "images", "import", "-"), stdin=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if process.stdin is None or process.stderr is None:
        raise LabError("no pipe to containerd's importer")
    try:
        write_archive(images, architecture(), process.stdin, present=frozenset(content.stdout.split()))
        process.stdin.close()
    except BrokenPipeError:
        pass  # the importer has ended; its error output says why
    errors = process.stderr.read().decode(errors="replace")
    if process.wait():
        raise LabError(f"containerd refused the images: {errors.strip()}. Look at containerd.log in {paths.log}")


def short(name: str) -> str:
    """An image's name without the default registry, which containerd puts before it."""
    return name.removeprefix("docker.io/")


def is_lab_up(paths: Paths) -> bool:
    """Whether containerd runs, so that images can be imported."""
    return running(paths, "containerd") is not None


def refresh(paths: Paths, progress: Progress) -> None:
    """The `images` command: build from the sources, import what differs, and report both."""
    with exclusive(progress):
        settings = load_settings(paths.settings) or Settings()
        binaries = build_programs(paths, settings.keda, progress)
        with progress.step("images") as step:
            built = build_images(paths, settings.keda, binaries)
            step.outcome = f"{len(built)} built or cached"
        if not is_lab_up(paths):
            progress.say("the lab is down, so nothing was imported; the next `up` does that")
            return
        with progress.step("image import") as step:
            names = import_images(paths, built)
            step.outcome = ", ".join(map(short, names)) or "nothing new"
        if names:
            progress.say("Pods started from now on use these images; running Pods keep the old ones")
