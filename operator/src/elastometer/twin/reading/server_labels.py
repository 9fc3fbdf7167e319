"""The series of a server and the labels that it gives them, from its flags and its image."""
from __future__ import annotations

from elastometer.model.server_flags import SERVED_MODEL_NAME, ServerFlags
from elastometer.model.server_metrics import OLD_KV_CACHE

_ENGINES = "--data-parallel-size"


def served_model(flags: ServerFlags) -> str | None:
    """The value of `model_name`; None if only the container knows it."""
    return None if flags.unknown(SERVED_MODEL_NAME) is not None else flags.served_model or None


def unexported(flags: ServerFlags) -> frozenset[str]:
    """The metrics that older releases had, and this server does not have."""
    return frozenset((OLD_KV_CACHE,) if flags.knows_all else ())


def has_one_engine(flags: ServerFlags) -> bool:
    """Whether there is one series for each Pod, and not one for each of several engines."""
    given = flags.reading.last(_ENGINES)
    return given is None or flags.whole(_ENGINES) == 1
