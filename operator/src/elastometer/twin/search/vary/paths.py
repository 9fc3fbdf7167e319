"""Paths into a manifest's spec as people write them, `behavior.scaleUp.policies[0].value`: read, write, similar."""
from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

from elastometer.model.errors import SpecError

Json = dict[str, Any]
Steps = tuple[str | int, ...]
_STEP = re.compile(r"([A-Za-z_][\w-]*)((?:\[\d+\])*)")
_INDEX = re.compile(r"\[(\d+)\]")


def steps_of(path: str) -> Steps:
    """`a.b[0]` -> ("a", "b", 0). A leading `spec.`, which people copy from manifests, is ignored."""
    steps: list[str | int] = []
    for part in path.removeprefix("spec.").split("."):
        match = _STEP.fullmatch(part)
        if match is None:
            raise SpecError(f"{path or '(empty)'}: must be names separated by dots, with [index] for a list entry, as "
                            f"in behavior.scaleUp.policies[0].value, is {path!r}")
        steps.append(match[1])
        steps += [int(index) for index in _INDEX.findall(match[2])]
    return tuple(steps)


def text_of(steps: Steps) -> str:
    """The path as people write it."""
    words = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return "".join(words).removeprefix(".")


def value_at(document: object, steps: Steps) -> object:
    """The value at the path; None if there is none."""
    for step in steps:
        if isinstance(step, int):
            if not isinstance(document, Sequence) or isinstance(document, str) or step >= len(document):
                return None
            document = document[step]
        else:
            document = document.get(step) if isinstance(document, Mapping) else None
    return document


def written(document: Mapping[str, object], steps: Steps, value: object) -> Json:
    """A copy of the document with the value at the path. Missing objects on the way are created, list entries are
    not."""
    made: Json = copy.deepcopy(dict(document))
    node: Any = made
    for step, following in pairwise(steps):
        if isinstance(step, str):
            node = node.setdefault(step, [] if isinstance(following, int) else {})
        else:
            node = _entry(node, step, steps)
    last = steps[-1]
    if isinstance(last, int):
        _entry(node, last, steps)
    node[last] = value
    return made


def _entry(entries: object, index: int, steps: Steps) -> Any:
    if not isinstance(entries, list) or index >= len(entries):
        found = len(entries) if isinstance(entries, list) else 0
        parent = text_of(steps[:steps.index(index)])
        raise SpecError(f"{text_of(steps)}: must have an index below {found}, the number of entries of `{parent}`, "
                        f"is {index}")
    return entries[index]


def near(word: str, known: Sequence[str], most: int = 3) -> list[str]:
    """The known paths that are most similar, as a whole or by their last part; best first."""
    by_last: dict[str, list[str]] = {}
    for path in known:
        by_last.setdefault(path.rpartition(".")[2].lower(), []).append(path)
    lower = {path.lower(): path for path in known}
    whole = [lower[hit] for hit in get_close_matches(word.lower(), lower, n=most, cutoff=0.6)]
    last = word.rpartition(".")[2].lower()
    ends = [path for hit in get_close_matches(last, by_last, n=most, cutoff=0.7) for path in by_last[hit]]
    return list(dict.fromkeys([*whole, *ends]))[:most]
