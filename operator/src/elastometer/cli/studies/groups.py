"""The groups of runs that are compared, as they are named on the command line: the first is the baseline."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.text import printable
from elastometer.cli.studies.bundles import RunPlace, places_at
from elastometer.cli.studies.reports import RunReport, absent_run, read_run
from elastometer.model.run_figures import RunLabel
from elastometer.world.study.report_reader import ARCHIVE_SUFFIX, is_bundle

BASE, NEW = "base", "new"


@dataclass(frozen=True, slots=True)
class Group:
    """Runs of one variant, by where they lie."""

    name: str
    places: tuple[RunPlace, ...]


def groups_by_path(texts: Sequence[str], variant: str | None) -> list[Group]:
    """A group for each path, called as its last part is, or as `NAME=PATH` says."""
    named = [named_path(text) for text in texts]
    plain = [name or _last_part(path) for name, path in named]
    # Two directories of one name differ by their paths, and one that is given twice by its place.
    names = [short if given or plain.count(short) == 1 else f"{path}" if texts.count(text) == 1 else f"{path} ({place})"
             for place, (short, (given, path), text) in enumerate(zip(plain, named, texts, strict=True), 1)]
    return _distinct([Group(name, tuple(places_at(path, variant)))
                      for name, (_, path) in zip(names, named, strict=True)])


def groups_by_option(base: Sequence[str], new: Sequence[Sequence[str]], variant: str | None) -> list[Group]:
    """One group of all the paths of `--base`, and one for each `--new`; the first path may say `NAME=PATH`."""
    defaults = [BASE, *(NEW if number == 1 else f"{NEW}-{number}" for number in range(1, len(new) + 1))]
    groups = []
    for default, (first, *more) in zip(defaults, [base, *new], strict=True):
        name, path = named_path(first)
        places = [place for one in (path, *map(Path, more)) for place in places_at(one, variant)]
        groups.append(Group(name or default, tuple(places)))
    return _distinct(groups)


def named_path(text: str) -> tuple[str | None, Path]:
    """`NAME=PATH` or `PATH`. A path that exists is one, whatever signs are in it."""
    name, equals, path = text.partition("=")
    return (None, Path(text)) if not equals or not name or Path(text).exists() else (printable(name), Path(path))


def read_groups(groups: Sequence[Group], *, again: bool) -> list[RunReport]:
    """The runs of all groups. In its group, the repetition of a run is its number in the order of time, so that runs
    that were made in turns stand beside each other."""
    return [run for group in groups for run in _numbered(
        [_read(place, RunLabel(_run_name(place), group.name, 0), again=again) for place in group.places])]


def _numbered(runs: Sequence[RunReport]) -> Iterator[RunReport]:
    for number, run in enumerate(sorted(runs, key=lambda run: run.load_start or ""), 1):
        label = replace(run.figures.label, repetition=number)
        yield replace(run, figures=replace(run.figures, label=label))


def _read(place: RunPlace, label: RunLabel, *, again: bool) -> RunReport:
    if place.entry is not None and not is_bundle(place.path):
        return absent_run(place.path, label, place.entry)
    return read_run(place.path, label, again=again)


def _run_name(place: RunPlace) -> str:
    return printable(place.path) if place.entry is None else place.entry.name


def _last_part(path: Path) -> str:
    return printable((path.name if path.name not in ("", "..") else path.resolve().name).removesuffix(ARCHIVE_SUFFIX))


def _distinct(groups: list[Group]) -> list[Group]:
    names = [group.name for group in groups]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise CliError(Exit.SPEC_OR_USAGE, f"the name of a group must differ from that of every other, is {name!r};"
                           " NAME=PATH gives it another")
    return groups
