"""How large a template and a patch may be. Reading them takes a call for each level, and longer with each argument, so
that this is checked before anything reads them: the API server takes far more than any test can hold."""
from __future__ import annotations

from collections.abc import Iterator, Mapping

from elastometer.model.document import Document, document_at, documents_at
from elastometer.study.variants.variant_spec import ARGS, args_at

# As many arguments as a test may have.
MAX_LEVELS, MAX_ARGS = 40, 64


def size_flaws(spec: Document) -> Iterator[str]:
    """The flaws of a study's spec, whatever its shape."""
    yield from _flaws_of(document_at(spec, "template"), "spec.template")
    for index, variant in enumerate(documents_at(spec, "variants")):
        yield from _flaws_of(document_at(variant, "patch"), f"spec.variants[{index}].patch")


def level_flaws(document: Document, path: str) -> Iterator[str]:
    """The flaw of a document whose parts lie too deep within each other."""
    if _is_deeper(document, MAX_LEVELS):
        yield f"{path}: must have at most {MAX_LEVELS} levels of objects and lists within each other, has more"


def _flaws_of(document: Document, path: str) -> Iterator[str]:
    yield from level_flaws(document, path)
    if (count := len(args_at(document) or ())) > MAX_ARGS:
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
