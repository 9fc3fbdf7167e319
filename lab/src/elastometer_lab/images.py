"""Which images the lab needs, which of them containerd has, and the import of what differs."""
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
    """An image with its digest, which changes when anything in it does."""

    image: Image
    digest: str


def architecture() -> str:
    """The image's word for this machine."""
    return ARCHITECTURES.get(platform.machine(), platform.machine())


def build_programs(paths: Paths, keda: bool, progress: Progress) -> dict[str, Path]:
    """Binaries by program: those that every lab needs, and KEDA's where asked for."""
    return build((*DEFAULT_PROGRAMS, *(KEDA_PROGRAMS if keda else ())), paths.cache, progress)


def program_image(wanted: ProgramImage, binaries: Mapping[str, Path], layers: Path) -> Image:
    """Static programs alone, from scratch, at the places where the upstream image has them."""
    files = [(binaries[program], place) for program, place in wanted.contents]
    kind = f"program-{wanted.contents[0][0]}"
    key = digest(f"{binary.name} {place}" for binary, place in files)
    layer = layer_of(layers, kind, key, lambda path: write_layer(path, files=files), kept=1)
    return Image(wanted.name, (layer,), entrypoint=wanted.entrypoint, user=wanted.user)


def build_images(paths: Paths, keda: bool, binaries: Mapping[str, Path]) -> list[Built]:
    """Every image, of programs and of the project's sources; builds only what is missing."""
    layers = paths.cache / "layers"
    images = [program_image(each, binaries, layers) for each in (*IMAGES, *(KEDA_IMAGES if keda else ()))]
    images += python_images(layers)
    return [Built(image, image.digest(architecture())) for image in images]


def notebook(paths: Paths) -> Path:
    """What was imported last, by image name; lives and dies with containerd's root."""
    return paths.containerd_root / "elastometer-imported.json"


def imported(paths: Paths) -> dict[str, str]:
    """Digests that containerd has, by name. One that is listed but not noted was cut off before it was unpacked."""
    try:
        noted = orjson.loads(notebook(paths).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}
    listed = subprocess.run(ctr(paths, "images", "list"), capture_output=True, text=True, check=False).stdout
    has = {row[0]: row[2] for line in listed.splitlines() if len(row := line.split()) > 2}
    return {name: digest for name, digest in noted.items() if has.get(name) == digest}


def import_images(paths: Paths, built: Sequence[Built]) -> list[str]:
    """Brings containerd up to date; names of the images that were imported."""
    have = imported(paths)
    wanted = [each for each in built if have.get(each.image.name) != each.digest]
    if not wanted:
        return []
    stream_to_containerd(paths, [each.image for each in wanted])
    notebook(paths).write_bytes(orjson.dumps(have | {each.image.name: each.digest for each in wanted}))
    return [each.image.name for each in wanted]


def stream_to_containerd(paths: Paths, images: Sequence[Image]) -> None:
    """Writes the archive straight into the importer: no second copy on the disk."""
    content = subprocess.run(ctr(paths, "content", "list", "--quiet"), capture_output=True, text=True, check=False)
    process = subprocess.Popen(ctr(paths, "images", "import", "-"), stdin=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if process.stdin is None or process.stderr is None:
        raise LabError("no pipe to containerd's importer")
    try:
        write_archive(images, architecture(), process.stdin, present=frozenset(content.stdout.split()))
        process.stdin.close()
    except BrokenPipeError:
        pass  # the importer's own words follow
    complaint = process.stderr.read().decode(errors="replace")
    if process.wait():
        raise LabError(f"containerd took no image: {complaint.strip()}. Look at containerd.log in {paths.log}")


def short(name: str) -> str:
    """Without the registry that containerd puts before every name."""
    return name.removeprefix("docker.io/")


def is_lab_up(paths: Paths) -> bool:
    """Whether there is a containerd to import into."""
    return running(paths, "containerd") is not None


def refresh(paths: Paths, progress: Progress) -> None:
    """The `images` command: builds from the sources, imports what differs, says what it did."""
    with exclusive(progress):
        settings = load_settings(paths.settings) or Settings()
        binaries = build_programs(paths, settings.keda, progress)
        with progress.step("images") as step:
            built = build_images(paths, settings.keda, binaries)
            step.outcome = f"{len(built)} built or cached"
        if not is_lab_up(paths):
            progress.say("the lab is down: nothing to import into; the next `up` imports them")
            return
        with progress.step("image import") as step:
            names = import_images(paths, built)
            step.outcome = ", ".join(map(short, names)) or "nothing new"
        if names:
            progress.say("pods started from now on use these; running pods keep what they have")
