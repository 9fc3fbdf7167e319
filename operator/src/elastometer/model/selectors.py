"""Label selectors as Kubernetes reads them (LabelSelectorAsSelector and NewRequirement in apimachinery)."""
from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

from elastometer.model.document import Document, document_at, documents_at, text_at

_MAX_CHARACTERS = 63
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_LETTERS = f"at most {_MAX_CHARACTERS} of a-z, A-Z, 0-9, '-', '_' and '.', with a letter or digit at both ends"


class SelectorOperator(StrEnum):
    """How an expression compares a label with its values."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


def selector_flaws(selector: Document, path: str) -> Iterator[str]:
    """Why a selector cannot be read. The API server takes the one of an HPA's metric as it is; the controller fails."""
    for label, value in document_at(selector, "matchLabels").items():
        yield from _label_flaws(label, [value], f"{path}.matchLabels.{label}")
    for index, one in enumerate(documents_at(selector, "matchExpressions")):
        where, operator, values = f"{path}.matchExpressions[{index}]", text_at(one, "operator"), one.get("values")
        listed = values if isinstance(values, list) else []
        takes_values = operator in (SelectorOperator.IN, SelectorOperator.NOT_IN)
        if operator in list(SelectorOperator) and takes_values is not bool(listed):
            rule = "at least one value" if takes_values else "no value"
            yield f"{where}.values: must have {rule} for the operator {operator}, is {listed!r}"
        yield from _label_flaws(text_at(one, "key") or "", listed, where)


def _label_flaws(label: str, values: list[object], path: str) -> Iterator[str]:
    prefix, slash, name = label.rpartition("/")
    if not _is_name(name) or (slash and _PREFIX.fullmatch(prefix) is None):
        yield f"{path}: must be a label key of Kubernetes ({_LETTERS}), is {label!r}"
    for value in values:
        if value != "" and not _is_name(str(value)):
            yield f"{path}: must be a value that a label of Kubernetes can have ({_LETTERS}), is {value!r}"


def _is_name(text: str) -> bool:
    return len(text) <= _MAX_CHARACTERS and _NAME.fullmatch(text) is not None
