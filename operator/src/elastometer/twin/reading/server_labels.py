"""The labels that a server gives its own series, from its flags."""
from __future__ import annotations

from elastometer.model.server_flags import SERVED_MODEL_NAME, ServerFlags

_ENGINES = "--data-parallel-size"


def served_model(flags: ServerFlags) -> str | None:
    """The value of `model_name`; None if only the container knows it."""
    return None if flags.unknown(SERVED_MODEL_NAME) is not None else flags.served_model or None


def has_one_engine(flags: ServerFlags) -> bool:
    """Whether there is one series for each Pod, and not one for each of several engines."""
    given = flags.reading.last(_ENGINES)
    return given is None or flags.whole(_ENGINES) == 1
