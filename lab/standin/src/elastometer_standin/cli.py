"""Turns arguments and environment variables into `Settings`.

Flags of `vllm serve` keep vLLM's names and meaning, and are read by the reader that the operator uses as well. The
stand-in's own flags begin with `--standin-`, and each of them can also be set by an environment variable
(`STANDIN_DECODE_MS_PER_TOKEN`).
"""

import argparse
import socket
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NoReturn

from elastometer_serverflags.flag import Flag, Reads, Takes
from elastometer_serverflags.reader import Given, Reading, read
from elastometer_serverflags.standin import from_environment, standin_flags
from elastometer_serverflags.values import AUTOMATIC, value_of
from elastometer_standin.flags import add_standin_flags
from elastometer_standin.settings import (
    DEFAULT_STARTUP,
    DrainRejection,
    EngineLimits,
    Pace,
    Settings,
    ShutdownMode,
    Startup,
)
from elastometer_standin.troubles.faults import Fault, parse_rates

HELP, CONFIG = "--help", "--config"
EPILOG = """\
Each --standin flag can also be set by an environment variable (STANDIN_DECODE_MS_PER_TOKEN=40); the flag overrides it.
The other flags of `vllm serve` 0.33 are accepted and have no effect. Any further flag is an error.

examples:
  elastometer-standin serve Qwen/Qwen2.5-0.5B-Instruct --max-num-seqs 8 --standin-decode-ms-per-token 40
  elastometer-standin --port 8001 --standin-startup weights=30 --standin-abort-rate 0.01

docs/standin.md explains every flag, and where the stand-in differs from vLLM.
"""


class CliError(ValueError):
    """An argument that is unknown or out of range."""


class _Parser(argparse.ArgumentParser):
    """Raises CliError where argparse would print its usage and exit, so that there is one way to report an error."""

    def error(self, message: str) -> NoReturn:
        raise CliError(message)

    @property
    def known(self) -> frozenset[str]:
        """The flags that have an effect here."""
        return frozenset(self._option_string_actions)


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """The settings of one server; an argument overrides its environment variable. CliError says what to change."""
    rest = list(arguments)
    if rest[:1] == ["serve"]:
        rest = rest[1:]
    # The environment comes first: of a flag that is given twice, the last one counts.
    reading = read([*(text for text, _ in from_environment(environment)), *rest], standin_flags())
    parser = _parser()
    if reading.last(HELP) is not None:
        parser.parse_args([HELP])
    _refuse_faults(reading)
    honoured = [one for one in _last(reading) if one.flag.name in parser.known]
    args = parser.parse_args([*reading.positionals[:1], *(text for one in honoured for text in _written(one))])
    try:
        return _settings(args, environment, _ignored(reading, parser.known))
    except ValueError as error:
        raise CliError(str(error)) from None


def _refuse_faults(reading: Reading) -> None:
    if reading.faults:
        raise CliError("; ".join(fault.text for fault in reading.faults))
    if reading.last(CONFIG) is not None:
        raise CliError(f"{CONFIG} is not read by the stand-in; give the flags of that file as arguments")


def _last(reading: Reading) -> list[Given]:
    """Of each flag the one that counts."""
    return list({one.flag.name: one for one in reading.given}.values())


def _written(one: Given) -> list[str]:
    """The flag in one spelling, with numbers in digits; nothing for one that asks for the default."""
    if one.flag.takes is Takes.NOTHING:
        return [one.flag.name] if one.is_on else []
    values = [text for value in one.values if (text := _digits(one.flag, value)) is not None]
    if one.flag.takes is Takes.MANY:
        return [one.flag.name, *values]
    return [f"{one.flag.name}={value}" for value in values]


def _digits(flag: Flag, text: str) -> str | None:
    value = value_of(flag, text)
    if value is None or flag.reads in (Reads.TEXT, Reads.JSON):
        return None if value is None else text
    return str(value)


def _ignored(reading: Reading, known: frozenset[str]) -> tuple[str, ...]:
    names = [one.flag.name for one in _last(reading) if one.flag.name not in known]
    return (*names, *(text.partition("=")[0] for text in reading.others))


def _parser() -> _Parser:
    parser = _Parser(
        prog="elastometer-standin",
        usage="%(prog)s [serve] [options] [MODEL]",
        description="A model server that behaves like vLLM without a model or an accelerator, for tests of elasticity.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_vllm_flags(parser)
    add_standin_flags(parser)
    return parser


def _add_vllm_flags(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("flags of vLLM, with vLLM's meaning")
    group.add_argument("model_tag", nargs="?", metavar="MODEL", help="name of the model (or --model)")
    group.add_argument("--model", metavar="NAME")
    group.add_argument("--served-model-name", nargs="+", default=[], metavar="NAME", help="names that requests may use")
    group.add_argument("--host", default="0.0.0.0", help="address to listen on (default: 0.0.0.0, which is all)")
    group.add_argument("--port", type=int, default=8000, help="port to listen on (default: 8000)")
    group.add_argument("--api-key", nargs="+", default=[], metavar="KEY", help="keys of which requests must carry one")
    group.add_argument("--shutdown-timeout", type=float, default=0.0, metavar="SECONDS",
                       help="time that running requests are given after SIGTERM (default: 0, they are aborted)")
    group.add_argument("--enforce-eager", action="store_true", help="start without compilation and CUDA graphs")
    group.add_argument("--enable-server-load-tracking", action="store_true",
                       help="serve the number of requests in flight at /load")
    group.add_argument("--max-model-len", type=int, metavar="TOKENS", help="longest prompt and answer together")
    group.add_argument("--max-num-seqs", type=int, default=256, metavar="N",
                       help="requests that run at once (default: 256)")
    group.add_argument("--max-num-batched-tokens", type=int, default=2048, metavar="TOKENS",
                       help="tokens that one engine step may process (default: 2048)")
    group.add_argument("--num-gpu-blocks-override", type=int, default=4096, metavar="N",
                       help="blocks of the KV cache (default: 4096)")
    group.add_argument("--block-size", type=int, default=16, metavar="TOKENS", help="tokens per block (default: 16)")
    group.add_argument("--max-num-queued-reqs", type=int, metavar="N",
                       help="requests that may wait (default: no limit)")
    group.add_argument("--max-num-queued-tokens", type=int, metavar="TOKENS",
                       help="tokens of requests that may wait (default: no limit)")


def _settings(args: argparse.Namespace, environment: Mapping[str, str], ignored: tuple[str, ...]) -> Settings:
    given = vars(args)
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
        faults=parse_rates({f.value: given[f"standin_{f.value.replace('-', '_')}_rate"] for f in Fault}),
        fault_seed=args.standin_fault_seed,
        answer_tokens=int(_at_least("--standin-answer-tokens", args.standin_answer_tokens, 2)),
        shutdown_mode=ShutdownMode(args.standin_shutdown),
        drain_rejection=DrainRejection(args.standin_drain_rejection),
        access_log=args.standin_access_log,
        log_prefix=args.standin_log_prefix,
        pod_name=environment.get("POD_NAME") or socket.gethostname(),
        ignored_flags=ignored,
    )


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
