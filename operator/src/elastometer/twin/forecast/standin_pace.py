"""Capacity and start-up of the project's stand-in server, from its arguments alone, without a run.

The defaults are the stand-in's (docs/standin.md); a test checks that the two agree.
"""
from __future__ import annotations

from collections.abc import Mapping

from elastometer.model.capacity import Capacity
from elastometer.model.errors import SpecError
from elastometer.model.server_flags import MAX_NUM_SEQS, ServerFlags
from elastometer_serverflags.standin import PREFIX

DEFAULTS: Mapping[str, float] = {
    MAX_NUM_SEQS: 256, "--standin-prefill-tokens-per-second": 8000, "--standin-prefill-overhead-ms": 15,
    "--standin-decode-ms-per-token": 25, "--standin-decode-slowdown": 0, "--standin-cpu-ms-per-token": 0,
    "--num-gpu-blocks-override": 4096, "--block-size": 16,
}
STARTUP: Mapping[str, float] = {"import": 2, "config": 0.5, "download": 0, "weights": 3, "compile": 2, "profile": 1,
                                "graphs": 1.5, "http": 0.2}
PHASES, EAGER = "--standin-startup", "--enforce-eager"
# What eager execution leaves out.
NOT_EAGER = ("compile", "graphs")
# These change nothing that a prediction contains.
WITHOUT_EFFECT = (
    "--standin-answer-tokens", "--standin-access-log", "--standin-log-prefix", "--standin-fault-seed",
    "--standin-label-words", "--standin-json-schema", "--standin-gpu-memory-gib", "--standin-memory-base-mb",
    "--standin-memory-kb-per-stream", "--standin-memory-leak-kb-per-request", "--standin-memory-return-seconds",
)
MILLISECONDS = 1000
# The stand-in's timers have whole milliseconds, and the connection costs one: measured first tokens come by this much
# later than its formula says.
TIMERS_MILLISECONDS = 3.0


def unknown_argument(flags: ServerFlags) -> str | None:
    """Why an argument that decides the pace or the start-up cannot be known; None if all are known."""
    return next((why for name in (*DEFAULTS, PHASES, EAGER) if (why := flags.unknown(name))), None)


def not_predicted(flags: ServerFlags) -> tuple[str, ...]:
    """What the arguments ask of the stand-in and the prediction leaves out, as sentences."""
    names = {given.flag.name for given in flags.reading.given if given.flag.name.startswith(PREFIX)}
    left = sorted(names - {*DEFAULTS, PHASES, *WITHOUT_EFFECT})
    return (f"the effect of {', '.join(left)} on the stand-in is not modelled",) if left else ()


def standin_capacity(flags: ServerFlags, mean_output_tokens: float) -> Capacity:
    """The capacity that the arguments imply.

    A request that joins others waits for half a step on average, and its first token is computed in a step together
    with theirs: 1.5 steps. A request from the queue begins with such a step: 1 step. The prefill of each neighbour
    delays the others' tokens once, which is spread over the tokens of an answer."""
    value = {name: _number(flags, name, default) for name, default in DEFAULTS.items()}
    decode = value["--standin-decode-ms-per-token"] / MILLISECONDS
    overhead = (value["--standin-prefill-overhead-ms"] + TIMERS_MILLISECONDS) / MILLISECONDS
    slowdown = decode * value["--standin-decode-slowdown"]
    cpu = value["--standin-cpu-ms-per-token"] / MILLISECONDS
    return Capacity(
        slots=int(value[MAX_NUM_SEQS]), prefill_seconds=overhead,
        prefill_seconds_per_token=1 / value["--standin-prefill-tokens-per-second"], decode_seconds=decode,
        decode_seconds_per_neighbour=slowdown + overhead / max(1, mean_output_tokens),
        join_seconds=1.5 * decode, refill_seconds=decode,
        kv_tokens=int(value["--num-gpu-blocks-override"] * value["--block-size"]),
        cpu_seconds_per_token=cpu or None,
    )


def standin_startup_seconds(flags: ServerFlags) -> float:
    """The sum of the phases of `--standin-startup`; one that is not named keeps its default."""
    phases = dict(STARTUP)
    for part in filter(None, map(str.strip, (flags.text(PHASES) or "").split(","))):
        name, _, seconds = part.partition("=")
        if name not in phases:
            raise SpecError(f"{flags.path(PHASES)}: each phase of {PHASES} must be one of {', '.join(STARTUP)}, one is "
                            f"{name!r}")
        phases[name] = _seconds(seconds, part, flags.path(PHASES))
    is_eager = (given := flags.reading.last(EAGER)) is not None and given.is_on
    return sum(seconds for name, seconds in phases.items() if not (is_eager and name in NOT_EAGER))


def _seconds(text: str, part: str, path: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise SpecError(f"{path}: each part of {PHASES} must be phase=seconds, one is {part!r}")
    return seconds


def _number(flags: ServerFlags, name: str, default: float) -> float:
    found = flags.number(name)
    value = default if found is None else found
    if not value >= 0 or (value == 0 and default > 0):
        raise SpecError(f"{flags.path(name)}: {name} must be a number above 0, is {value:g}")
    return value
