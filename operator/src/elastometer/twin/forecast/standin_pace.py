"""Capacity and start-up of the project's stand-in server, from its arguments alone, without a run.

The defaults are the stand-in's (docs/standin.md); a test checks that the two agree.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence

from elastometer.model.errors import SpecError
from elastometer.twin.scenario import Capacity

PREFIX = "--standin-"
DEFAULTS: Mapping[str, float] = {
    "max-num-seqs": 256, "standin-prefill-tokens-per-second": 8000, "standin-prefill-overhead-ms": 15,
    "standin-decode-ms-per-token": 25, "standin-decode-slowdown": 0, "standin-cpu-ms-per-token": 0,
    "num-gpu-blocks-override": 4096, "block-size": 16,
}
STARTUP: Mapping[str, float] = {"import": 2, "config": 0.5, "download": 0, "weights": 3, "compile": 2, "profile": 1,
                                "graphs": 1.5, "http": 0.2}
MILLISECONDS = 1000
# The stand-in's timers have whole milliseconds, and the connection costs one: measured first tokens come by this much
# later than its formula says.
TIMERS_MILLISECONDS = 3.0


def argument(args: Sequence[str], name: str) -> str | None:
    """The value of `--name=value` or `--name value`; the last one wins, as in argparse."""
    found = None
    for index, arg in enumerate(args):
        if arg.startswith(f"--{name}="):
            found = arg.partition("=")[2]
        elif arg == f"--{name}" and index + 1 < len(args):
            found = args[index + 1]
    return found


def is_standin(image: str, args: Sequence[str]) -> bool:
    """Whether this is the stand-in, by its own arguments or by its image."""
    return any(arg.startswith(PREFIX) for arg in args) or "standin" in image.rpartition("/")[2]


def standin_capacity(args: Sequence[str], mean_output_tokens: float) -> Capacity:
    """The capacity that the arguments imply.

    A request that joins others waits for half a step on average, and its first token is computed in a step together
    with theirs: 1.5 steps. A request from the queue begins with such a step: 1 step. The prefill of each neighbour
    delays the others' tokens once, which is spread over the tokens of an answer."""
    value = {name: _number(args, name, default) for name, default in DEFAULTS.items()}
    decode = value["standin-decode-ms-per-token"] / MILLISECONDS
    overhead = (value["standin-prefill-overhead-ms"] + TIMERS_MILLISECONDS) / MILLISECONDS
    cpu = value["standin-cpu-ms-per-token"] / MILLISECONDS
    return Capacity(
        slots=int(value["max-num-seqs"]), prefill_seconds=overhead,
        prefill_seconds_per_token=1 / value["standin-prefill-tokens-per-second"], decode_seconds=decode,
        decode_seconds_per_neighbour=decode * value["standin-decode-slowdown"] + overhead / max(1, mean_output_tokens),
        join_seconds=1.5 * decode, refill_seconds=decode,
        kv_tokens=int(value["num-gpu-blocks-override"] * value["block-size"]),
        cpu_seconds_per_token=cpu or None,
    )


def standin_startup_seconds(args: Sequence[str]) -> float:
    """The sum of the phases of `--standin-startup`; one that is not named keeps its default."""
    phases = dict(STARTUP)
    for part in (argument(args, "standin-startup") or "").split(","):
        name, _, seconds = part.partition("=")
        if name.strip():
            phases[name.strip()] = _seconds(seconds, part)
    return sum(phases.values())


def _seconds(text: str, part: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise SpecError("spec.target.server.args: each part of --standin-startup must be phase=seconds, one is "
                        f"{part!r}") from None


def _number(args: Sequence[str], name: str, default: float) -> float:
    text = argument(args, name)
    try:
        value = default if text is None else float(text)
    except ValueError:
        value = -1.0
    if value < 0 or (value == 0 and default > 0):
        raise SpecError(f"spec.target.server.args: --{name} must be a number above 0, is {text!r}")
    return value
