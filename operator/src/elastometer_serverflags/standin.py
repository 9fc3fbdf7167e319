"""The flags of the stand-in: vLLM's, and its own, which begin with `--standin-`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from elastometer_serverflags.flag import Flag, Reads, Takes
from elastometer_serverflags.table import vllm_flags

PREFIX = "--standin-"
# These are also accepted without the prefix.
PACE = (
    "prefill-tokens-per-second", "prefill-overhead-ms", "decode-ms-per-token", "decode-slowdown",
    "cpu-ms-per-token",
)
_NUMBERS = (
    "startup-jitter", "delay-seconds", "memory-base-mb", "memory-kb-per-stream", "memory-leak-kb-per-request",
    "memory-return-seconds", "gpu-memory-gib", "pause-seconds", "pause-every-seconds",
)
_WHOLES = ("answer-tokens", "fault-seed", "cores")
_TEXTS = ("startup", "shutdown", "drain-rejection", "download-once", "label-words", "json-schema")
_SWITCHES = ("access-log", "log-prefix")
FAULTS = (
    "error", "unavailable", "oom", "engine-dead", "drop", "reset-first", "mute", "truncate", "reset", "stall", "abort",
    "crosstalk", "broken-json", "other-task", "wrong-label", "label-case", "not-json", "json-in-text", "cut-json",
    "missing-field", "field-case", "string-for-array", "quoted-number", "repeat", "late-repeat", "garble", "cut",
    "early-stop", "short", "forget", "delay",
)
# vLLM takes whole seconds here; the stand-in takes fractions too, for tests that last less than a second.
_FRACTIONS = Flag("--shutdown-timeout", reads=Reads.NUMBER)
_VARIABLE = "STANDIN_"
# Kubernetes sets these for a Service called `standin`; they are no settings:
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_OF_A_SERVICE = ("STANDIN_SERVICE_", "STANDIN_PORT")
_ON = ("1", "true", "yes")


@cache
def standin_flags() -> tuple[Flag, ...]:
    """All flags that the stand-in accepts."""
    numbers = [*_NUMBERS, *(f"{fault}-rate" for fault in FAULTS)]
    texts = [*_TEXTS, *(f"{fault}-when" for fault in FAULTS)]
    kinds = {Reads.NUMBER: numbers, Reads.INTEGER: _WHOLES, Reads.TEXT: texts}
    return (
        *(flag for flag in vllm_flags() if flag.name != _FRACTIONS.name), _FRACTIONS,
        *(Flag(PREFIX + name, reads=Reads.NUMBER, also=(f"--{name}",)) for name in PACE),
        *(Flag(PREFIX + name, reads=reads) for reads, names in kinds.items() for name in names),
        *(Flag(PREFIX + name, Takes.NOTHING) for name in _SWITCHES),
    )


def from_environment(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The flags that the environment sets, each with its variable: STANDIN_X_Y=v is `--standin-x-y=v`.

    They come before the arguments, which override them. A switch is on for 1, true or yes."""
    for name, value in sorted(variables.items()):
        if not name.startswith(_VARIABLE) or name.startswith(_OF_A_SERVICE):
            continue
        flag = name.removeprefix(_VARIABLE).lower().replace("_", "-")
        if flag not in _SWITCHES:
            yield f"{PREFIX}{flag}={value}", name
        elif value.lower() in _ON:
            yield PREFIX + flag, name
