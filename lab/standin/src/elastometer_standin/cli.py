"""Arguments and environment to `Settings`. `vllm serve`'s own flags as vLLM spells them; ours begin with
`--standin-`, and each of ours can also be given as an environment variable (`STANDIN_DECODE_MS_PER_TOKEN`).
"""

import argparse
import socket
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NoReturn

from elastometer_standin.faults import Fault, parse_rates
from elastometer_standin.settings import (
    DEFAULT_STARTUP,
    DrainRejection,
    EngineLimits,
    Pace,
    Settings,
    ShutdownMode,
    Startup,
)

IGNORED_WITH_VALUE = (
    "--dtype", "--revision", "--tokenizer", "--tokenizer-revision", "--tokenizer-mode", "--load-format",
    "--download-dir", "--gpu-memory-utilization", "--tensor-parallel-size", "--pipeline-parallel-size",
    "--data-parallel-size", "--quantization", "--kv-cache-dtype", "--swap-space", "--seed",
    "--uvicorn-log-level", "--chat-template", "--generation-config", "--max-logprobs", "--compilation-config",
    "--structured-outputs-config", "--api-server-count", "--max-log-len", "--attention-backend",
    "--safetensors-load-strategy", "--kv-transfer-config", "--hf-overrides", "--code-revision", "-tp",
)  # fmt: skip
IGNORED_SWITCHES = (
    "--trust-remote-code", "--enable-prefix-caching", "--no-enable-prefix-caching", "--enable-chunked-prefill",
    "--no-enable-chunked-prefill", "--disable-log-stats", "--enable-log-requests", "--disable-log-requests",
    "--no-enable-log-requests", "--enable-request-id-headers", "--enable-sleep-mode", "--async-scheduling",
    "--disable-uvicorn-access-log", "--enable-auto-tool-choice", "--skip-tokenizer-init",
    "--enable-prompt-tokens-details",
)  # fmt: skip
STANDIN_PREFIX = "--standin-"
SERVICE_VARIABLES = ("STANDIN_SERVICE_", "STANDIN_PORT")
"""What Kubernetes injects beside a Service called `standin`; none of it is meant for us."""
PACE_FLAGS = ("prefill-tokens-per-second", "prefill-overhead-ms", "decode-ms-per-token", "decode-slowdown",
              "cpu-ms-per-token")  # fmt: skip
"""These are also accepted without the prefix."""


class CliError(ValueError):
    """An argument that is unknown or out of range."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise CliError(message)


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Settings of one server; an argument beats its environment variable. CliError says what to change."""
    rest = list(arguments)
    if rest[:1] == ["serve"]:
        rest = rest[1:]
    known = _parser().parse_args([*_from_environment(environment), *rest])
    try:
        return _settings(known, environment)
    except ValueError as error:
        raise CliError(str(error)) from None


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="elastometer-standin", allow_abbrev=False)
    parser.add_argument("model_tag", nargs="?")
    parser.add_argument("--model")
    parser.add_argument("--served-model-name", nargs="+", default=[])
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--api-key")
    parser.add_argument("--shutdown-timeout", type=float, default=0.0)
    parser.add_argument("--enforce-eager", action="store_true")
    parser.add_argument("--enable-server-load-tracking", action="store_true")
    parser.add_argument("--max-model-len", type=_size)
    parser.add_argument("--max-num-seqs", type=int, default=256)
    parser.add_argument("--max-num-batched-tokens", type=int, default=2048)
    parser.add_argument("--num-gpu-blocks-override", type=int, default=4096)
    parser.add_argument("--block-size", type=int, default=16)
    parser.add_argument("--max-num-queued-reqs", type=int)
    parser.add_argument("--max-num-queued-tokens", type=int)
    for flag in IGNORED_WITH_VALUE:
        parser.add_argument(flag, dest=f"ignored {flag}", default=None)
    for flag in IGNORED_SWITCHES:
        parser.add_argument(flag, dest=f"ignored {flag}", action="store_true", default=None)
    _add_own(parser)
    return parser


def _add_own(parser: argparse.ArgumentParser) -> None:
    pace = Pace()
    own: list[tuple[str, dict[str, Any]]] = [
        ("prefill-tokens-per-second", {"type": float, "default": pace.prefill_tokens_per_second}),
        ("prefill-overhead-ms", {"type": float, "default": pace.prefill_overhead_ms}),
        ("decode-ms-per-token", {"type": float, "default": pace.decode_ms_per_token}),
        ("decode-slowdown", {"type": float, "default": pace.decode_slowdown}),
        ("cpu-ms-per-token", {"type": float, "default": pace.cpu_ms_per_token}),
        ("answer-tokens", {"type": int, "default": 128}),
        ("startup", {"default": ""}),
        ("startup-jitter", {"type": float, "default": 0.0}),
        ("fault-seed", {"type": int, "default": 0}),
        ("shutdown", {"choices": [mode.value for mode in ShutdownMode], "default": "normal"}),
        ("drain-rejection", {"choices": [kind.value for kind in DrainRejection], "default": "500"}),
        ("access-log", {"action": "store_true"}),
        ("log-prefix", {"action": "store_true"}),
    ]
    for name, options in own:
        aliases = [f"--{name}"] if name in PACE_FLAGS else []
        parser.add_argument(f"{STANDIN_PREFIX}{name}", *aliases, **options)
    for fault in Fault:
        parser.add_argument(f"{STANDIN_PREFIX}{fault.value}-rate", type=float, default=0.0)


def _from_environment(environment: Mapping[str, str]) -> list[str]:
    """STANDIN_X_Y=v as `--standin-x-y v`; a switch is on for 1, true or yes."""
    switches = {"access-log", "log-prefix"}
    arguments: list[str] = []
    for name, value in sorted(environment.items()):
        if not name.startswith("STANDIN_") or name.startswith(SERVICE_VARIABLES):
            continue
        flag = name.removeprefix("STANDIN_").lower().replace("_", "-")
        if flag not in switches:
            arguments.append(f"{STANDIN_PREFIX}{flag}={value}")
        elif value.lower() in ("1", "true", "yes"):
            arguments.append(f"{STANDIN_PREFIX}{flag}")
    return arguments


def _settings(known: argparse.Namespace, environment: Mapping[str, str]) -> Settings:
    given = vars(known)
    ignored = tuple(
        name.removeprefix("ignored ")
        for name, value in given.items()
        if name.startswith("ignored ") and value is not None
    )
    return Settings(
        model=known.model or known.model_tag or Settings().model,
        served_model_names=tuple(known.served_model_name),
        host=known.host,
        port=known.port,
        api_key=known.api_key,
        shutdown_timeout_seconds=_at_least("--shutdown-timeout", known.shutdown_timeout, 0),
        enforce_eager=known.enforce_eager,
        track_load=known.enable_server_load_tracking,
        limits=_limits(known),
        pace=_pace(known),
        startup=Startup(
            parse_startup(known.standin_startup),
            _at_least("--standin-startup-jitter", known.standin_startup_jitter, 0),
        ),
        faults=parse_rates({f.value: given[f"standin_{f.value.replace('-', '_')}_rate"] for f in Fault}),
        fault_seed=known.standin_fault_seed,
        answer_tokens=int(_at_least("--standin-answer-tokens", known.standin_answer_tokens, 2)),
        shutdown_mode=ShutdownMode(known.standin_shutdown),
        drain_rejection=DrainRejection(known.standin_drain_rejection),
        access_log=known.standin_access_log,
        log_prefix=known.standin_log_prefix,
        pod_name=environment.get("POD_NAME") or socket.gethostname(),
        ignored_flags=ignored,
    )


def _limits(known: argparse.Namespace) -> EngineLimits:
    blocks = int(_at_least("--num-gpu-blocks-override", known.num_gpu_blocks_override, 1))
    block_size = int(_at_least("--block-size", known.block_size, 1))
    capacity = blocks * block_size
    context = min(EngineLimits().max_model_len, capacity) if known.max_model_len is None else known.max_model_len
    if not 1 < context <= capacity:
        raise CliError(
            f"--max-model-len must be at least 2 and at most the KV cache's {capacity} tokens "
            f"({blocks} blocks of {block_size}), got {context}; raise --num-gpu-blocks-override or lower it"
        )
    return EngineLimits(
        max_num_seqs=int(_at_least("--max-num-seqs", known.max_num_seqs, 1)),
        max_num_batched_tokens=int(
            _at_least("--max-num-batched-tokens", known.max_num_batched_tokens, known.max_num_seqs)
        ),
        num_gpu_blocks=blocks,
        block_size=block_size,
        max_model_len=context,
        max_num_queued_reqs=known.max_num_queued_reqs,
        max_num_queued_tokens=known.max_num_queued_tokens,
    )


def _pace(known: argparse.Namespace) -> Pace:
    speed = known.standin_prefill_tokens_per_second
    if not speed > 0:
        raise CliError(f"--standin-prefill-tokens-per-second must be greater than 0, got {speed}")
    return Pace(
        prefill_tokens_per_second=speed,
        prefill_overhead_ms=_at_least("--standin-prefill-overhead-ms", known.standin_prefill_overhead_ms, 0),
        decode_ms_per_token=_at_least("--standin-decode-ms-per-token", known.standin_decode_ms_per_token, 0),
        decode_slowdown=_at_least("--standin-decode-slowdown", known.standin_decode_slowdown, 0),
        cpu_ms_per_token=_at_least("--standin-cpu-ms-per-token", known.standin_cpu_ms_per_token, 0),
    )


def parse_startup(text: str) -> Mapping[str, float]:
    """`weights=3,compile=2`: the phases named replace the defaults; the others stay."""
    seconds = dict(DEFAULT_STARTUP)
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, number = part.partition("=")
        if name not in seconds:
            raise CliError(f"start-up phase {name!r} is unknown; must be one of {', '.join(seconds)}")
        try:
            seconds[name] = _at_least(f"start-up phase {name}", float(number), 0)
        except ValueError:
            raise CliError(f"start-up phase {name} must be seconds of at least 0, got {number!r}") from None
    return MappingProxyType(seconds)


def _at_least(name: str, value: float, floor: float) -> float:
    if not value >= floor:
        raise CliError(f"{name} must be at least {floor:g}, got {value}")
    return value


def _size(text: str) -> int:
    """`4096`, `4k` (thousand) or `4K` (1024), as vLLM reads lengths."""
    units = {"k": 1000, "K": 1024}
    return int(float(text[:-1]) * units[text[-1]]) if text[-1:] in units else int(text)
