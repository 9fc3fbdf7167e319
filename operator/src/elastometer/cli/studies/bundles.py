"""Which runs are at a path: one bundle, the bundles below a directory, or the runs of a study's bundle."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from elastometer.cli.base.exits import CliError, Exit
from elastometer.model.study_document import STUDY_JSON, RunEntry, StudyDocument
from elastometer.world.study.reader import BundleError, load_document, run_directory
from elastometer.world.study.report_reader import is_bundle

# Below this depth a directory of bundles is taken for something else, such as a home directory.
MAX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class RunPlace:
    """Where the bundle of one run lies; `entry` is its place in a study, None for a run of its own."""

    path: Path
    entry: RunEntry | None = None


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turns what is wrong with a bundle into a message and exit code 2."""
    try:
        yield
    except (BundleError, OSError) as error:
        raise CliError(Exit.SPEC_OR_USAGE, str(error)) from error


def is_study(path: Path) -> bool:
    """Whether the path is that of a study's bundle."""
    return (path / STUDY_JSON).is_file()


def places_at(path: Path, variant: str | None) -> list[RunPlace]:
    """The runs at a path, in the order of their names; of a study, those of one variant that are to be compared.

    Raises CliError where there is nothing to compare.
    """
    if not path.exists():
        raise CliError(Exit.SPEC_OR_USAGE, f"'{path}' must be a bundle or a directory of bundles; no such file exists")
    with usage_errors():
        found = list(_below(path, variant, 0))
    if not found:
        raise CliError(Exit.SPEC_OR_USAGE, f"'{path}' must be a bundle (a directory or a .tar.zst of a run), the "
                       f"bundle of a study, or a directory with some of them at most {MAX_DEPTH} levels below it; it "
                       "has none")
    return found


def _below(path: Path, variant: str | None, depth: int) -> Iterator[RunPlace]:
    if is_study(path):
        yield from _of_study(path, variant)
    elif is_bundle(path):
        yield RunPlace(path)
    elif path.is_dir() and depth < MAX_DEPTH:
        for child in sorted(path.iterdir()):
            if not child.name.startswith("."):
                yield from _below(child, variant, depth + 1)


def _of_study(path: Path, variant: str | None) -> Iterator[RunPlace]:
    entries = [entry for entry in study_at(path).runs if entry.judged]
    names = list(dict.fromkeys(entry.variant for entry in entries))
    wanted = variant if variant is not None or len(names) != 1 else names[0]
    if wanted not in names:
        raise CliError(Exit.SPEC_OR_USAGE, f"--variant: must be a variant of the study in '{path}' "
                       f"({', '.join(names)}), is {'absent' if variant is None else repr(variant)}")
    for entry in entries:
        if entry.variant == wanted:
            yield RunPlace(run_directory(path, entry), entry)


def study_at(path: Path) -> StudyDocument:
    """The record of the study in a directory."""
    with usage_errors():
        return load_document(path)
