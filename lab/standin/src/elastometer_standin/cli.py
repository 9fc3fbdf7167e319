"""Turns arguments and environment variables into `Settings`.

Flags of `vllm serve` keep vLLM's names and meaning, and are read by the reader that the operator uses as well. The
stand-in's own flags begin with `--standin-`, and each of them can also be set by an environment variable
(`STANDIN_DECODE_MS_PER_TOKEN`).
"""

import argparse
from collections.abc import Mapping, Sequence
from typing import NoReturn

from elastometer_serverflags.flag import Flag, Reads, Takes
from elastometer_serverflags.reader import Given, Reading, read
from elastometer_serverflags.standin import from_environment, standin_flags
from elastometer_serverflags.values import value_of
from elastometer_standin.arguments import CliError, settings_of
from elastometer_standin.flags import add_standin_flags
from elastometer_standin.settings import Settings

HELP, CONFIG = "--help", "--config"
API_SERVERS, CORES = "--api-server-count", "--standin-cores"
"""The first has an effect only where the second says how many cores they share."""
EPILOG = """\
Each --standin flag can also be set by an environment variable (STANDIN_DECODE_MS_PER_TOKEN=40); the flag overrides it.
The other flags of `vllm serve` 0.33 are accepted and have no effect. Any further flag is an error.

examples:
  elastometer-standin serve Qwen/Qwen2.5-0.5B-Instruct --max-num-seqs 8 --standin-decode-ms-per-token 40
  elastometer-standin --port 8001 --standin-startup weights=30 --standin-abort-rate 0.01

docs/standin.md explains every flag, and where the stand-in differs from vLLM.
"""


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
    known = parser.known if reading.last(CORES) is not None else parser.known - {API_SERVERS}
    honoured = [one for one in _last(reading) if one.flag.name in known]
    args = parser.parse_args([*reading.positionals[:1], *(text for one in honoured for text in _written(one))])
    try:
        return settings_of(args, environment, _ignored(reading, known))
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
    group.add_argument(API_SERVERS, type=int, metavar="N", help="API servers; has an effect only with --standin-cores")
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
