"""The values of parsed arguments, checked, as `Settings`. CliError says what to change."""

import argparse
import socket
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from elastometer_serverflags.values import AUTOMATIC
from elastometer_standin.answers.instances import parse_schema
from elastometer_standin.settings import (
    DEFAULT_STARTUP,
    DrainRejection,
    EngineLimits,
    Hardware,
    MemoryPlan,
    Pace,
    Settings,
    ShutdownMode,
    Startup,
)
from elastometer_standin.troubles.faults import Fault, parse_conditions, parse_rates
from elastometer_standin.troubles.pauses import Pauses


class CliError(ValueError):
    """An argument that is unknown or out of range."""


def settings_of(args: argparse.Namespace, environment: Mapping[str, str], ignored: tuple[str, ...]) -> Settings:
    return Settings(
        model=args.model or args.model_tag or Settings().model,
        served_model_names=tuple(args.served_model_name),
        host=args.host,
        port=args.port,
        api_keys=tuple(args.api_key),
        shutdown_timeout_seconds=_at_least("--shutdown-timeout", args.shutdown_timeout, 0),
        enforce_eager=args.enforce_eager,
        track_load=args.enable_server_load_tracking,
        limits=_limits(args),
        pace=_pace(args),
        startup=Startup(
            parse_startup(args.standin_startup),
            _at_least("--standin-startup-jitter", args.standin_startup_jitter, 0),
        ),
        faults=parse_rates(_by_fault(args, "rate")),
        conditions=parse_conditions(_by_fault(args, "when")),
        fault_seed=args.standin_fault_seed,
        delay_seconds=_at_least("--standin-delay-seconds", args.standin_delay_seconds, 0),
        hardware=_hardware(args),
        download_once=args.standin_download_once or None,
        label_words=parse_label_words(args.standin_label_words),
        json_schema=_schema(args.standin_json_schema),
        answer_tokens=int(_at_least("--standin-answer-tokens", args.standin_answer_tokens, 2)),
        shutdown_mode=ShutdownMode(args.standin_shutdown),
        drain_rejection=DrainRejection(args.standin_drain_rejection),
        access_log=args.standin_access_log,
        log_prefix=args.standin_log_prefix,
        pod_name=environment.get("POD_NAME") or socket.gethostname(),
        ignored_flags=ignored,
    )


def _by_fault(args: argparse.Namespace, what: str) -> dict[str, Any]:
    """The values of `--standin-<fault>-<what>`, by the fault's name."""
    given = vars(args)
    return {fault.value: given[f"standin_{fault.value.replace('-', '_')}_{what}"] for fault in Fault}


def _hardware(args: argparse.Namespace) -> Hardware:
    cores = args.standin_cores
    return Hardware(
        memory=MemoryPlan(
            base_mebibytes=_at_least("--standin-memory-base-mb", args.standin_memory_base_mb, 0),
            kibibytes_per_stream=_at_least("--standin-memory-kb-per-stream", args.standin_memory_kb_per_stream, 0),
            leak_kibibytes_per_request=_at_least(
                "--standin-memory-leak-kb-per-request", args.standin_memory_leak_kb_per_request, 0
            ),
            return_seconds=_at_least("--standin-memory-return-seconds", args.standin_memory_return_seconds, 0),
        ),
        gpu_memory_gibibytes=_at_least("--standin-gpu-memory-gib", args.standin_gpu_memory_gib, 0),
        api_servers=int(_at_least("--api-server-count", args.api_server_count or 1, 1)),
        cores=None if cores is None else int(_at_least("--standin-cores", cores, 1)),
        pauses=_pauses(args),
    )


def _pauses(args: argparse.Namespace) -> Pauses:
    seconds = _at_least("--standin-pause-seconds", args.standin_pause_seconds, 0)
    every = _at_least("--standin-pause-every-seconds", args.standin_pause_every_seconds, 0)
    if (seconds > 0 or every > 0) and not 0 < seconds < every:
        raise CliError(
            f"--standin-pause-every-seconds must be greater than --standin-pause-seconds, and both greater than 0, "
            f"got {every:g} and {seconds:g}"
        )
    return Pauses(seconds, every)


def parse_label_words(text: str) -> Mapping[str, tuple[str, ...]]:
    """`good=nice|great,bad=awful`: by label, the words that speak for it."""
    words: dict[str, tuple[str, ...]] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        label, _, listed = part.partition("=")
        words[label.strip()] = tuple(word.strip() for word in listed.split("|") if word.strip())
        if not label.strip() or not words[label.strip()]:
            raise CliError(f"each part of --standin-label-words must be LABEL=WORD|WORD, one is {part!r}")
    return MappingProxyType(words)


def _schema(text: str) -> dict[str, Any] | None:
    try:
        return parse_schema(text) if text else None
    except ValueError as error:
        raise CliError(f"--standin-json-schema {error}") from None


def _limits(args: argparse.Namespace) -> EngineLimits:
    blocks = int(_at_least("--num-gpu-blocks-override", args.num_gpu_blocks_override, 1))
    block_size = int(_at_least("--block-size", args.block_size, 1))
    capacity = blocks * block_size
    # A default context that does not fit the KV cache is cut to it; one that was asked for is refused, as in vLLM.
    stated = None if args.max_model_len == AUTOMATIC else args.max_model_len
    context = min(EngineLimits().max_model_len, capacity) if stated is None else stated
    if not 1 < context <= capacity:
        raise CliError(
            f"--max-model-len must be at least 2 and at most the KV cache's {capacity} tokens "
            f"({blocks} blocks of {block_size}), got {context}; raise --num-gpu-blocks-override or lower it"
        )
    return EngineLimits(
        # Every running sequence gets one token per step, so a step must have room for max_num_seqs tokens.
        max_num_seqs=int(_at_least("--max-num-seqs", args.max_num_seqs, 1)),
        max_num_batched_tokens=int(
            _at_least("--max-num-batched-tokens", args.max_num_batched_tokens, args.max_num_seqs)
        ),
        num_gpu_blocks=blocks,
        block_size=block_size,
        max_model_len=context,
        max_num_queued_reqs=args.max_num_queued_reqs,
        max_num_queued_tokens=args.max_num_queued_tokens,
    )


def _pace(args: argparse.Namespace) -> Pace:
    speed = args.standin_prefill_tokens_per_second
    if not speed > 0:
        raise CliError(f"--standin-prefill-tokens-per-second must be greater than 0, got {speed}")
    return Pace(
        prefill_tokens_per_second=speed,
        prefill_overhead_ms=_at_least("--standin-prefill-overhead-ms", args.standin_prefill_overhead_ms, 0),
        decode_ms_per_token=_at_least("--standin-decode-ms-per-token", args.standin_decode_ms_per_token, 0),
        decode_slowdown=_at_least("--standin-decode-slowdown", args.standin_decode_slowdown, 0),
        cpu_ms_per_token=_at_least("--standin-cpu-ms-per-token", args.standin_cpu_ms_per_token, 0),
    )


def parse_startup(text: str) -> Mapping[str, float]:
    """`weights=3,compile=2`: phases that are named replace their defaults; the others keep theirs."""
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
    if not value >= floor:  # written this way round so that NaN is refused too
        raise CliError(f"{name} must be at least {floor:g}, got {value}")
    return value
