"""The names under which a server serves its model."""

from __future__ import annotations

from collections.abc import Sequence

from elastometer_serverflags.reader import read
from elastometer_serverflags.table import vllm_flags

SERVED_MODEL_NAME = "--served-model-name"


def served_model_names(args: Sequence[str]) -> tuple[str, ...]:
    """All names that requests may use, the first of which metrics and answers carry; empty if the arguments name none,
    in which case it is the model's own."""
    given = read(args, vllm_flags()).last(SERVED_MODEL_NAME)
    return () if given is None else given.values


def served_model_name(args: Sequence[str]) -> str | None:
    """The name in the metrics' label `model_name` and in answers; None if it is the model's own."""
    names = served_model_names(args)
    return names[0] if names else None
