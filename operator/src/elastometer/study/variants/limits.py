"""How large a template and a patch may be. Reading them takes a call for each level, and longer with each argument, so
that this is checked before anything reads them: the API server takes far more than any test can hold."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from elastometer.study.variants.variant_spec import ARGS, args_at

# As many arguments as a test may have.
MAX_LEVELS, MAX_ARGS = 40, 64


def size_flaws(document: Mapping[str, Any], path: str) -> Iterator[str]:
    """The flaws of a spec, or of a patch on one, at `path`."""
    if _is_deeper(document, MAX_LEVELS):
        yield f"{path}: must have at most {MAX_LEVELS} levels of objects and lists within each other, has more"
    elif (count := len(args_at(document) or ())) > MAX_ARGS:
        yield f"{path}.{'.'.join(ARGS)}: must have at most {MAX_ARGS} entries, has {count}"


def _is_deeper(document: object, levels: int) -> bool:
    """Level by level, without recursion."""
    level: list[object] = [document]
    for _ in range(levels + 1):
        level = [item for node in level for item in _items(node)]
    return bool(level)


def _items(node: object) -> Iterator[object]:
    if isinstance(node, Mapping):
        yield from node.values()
    elif isinstance(node, list):
        yield from node
