"""The operators of a label selector's expressions (LabelSelectorRequirement in apimachinery)."""
from __future__ import annotations

from enum import StrEnum


class SelectorOperator(StrEnum):
    """How an expression compares a label with its values."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"
