"""Records what vLLM's own parser makes of command lines, as cases for the tests of our reader.

    python tests/oracle/vllm_parses.py > tests/unit/serverflags/vllm-parses.jsonl

Run it with a Python that has vLLM. The command lines are drawn from the fragments below, with a fixed seed.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import sys
from collections.abc import Iterator
from typing import Any

import vllm.platforms
from vllm.platforms.cpu import CpuPlatform

# Without an accelerator vLLM cannot tell its platform, but the parser asks for one.
vllm.platforms.current_platform = CpuPlatform()

from vllm.entrypoints.common.cli_args import make_arg_parser  # noqa: E402
from vllm.utils.argparse_utils import FlexibleArgumentParser  # noqa: E402

CASES = 700
SEED = 11
SHOWN = ("max_num_seqs", "max_model_len", "max_num_batched_tokens", "served_model_name", "port", "shutdown_timeout",
         "tensor_parallel_size", "gpu_memory_utilization", "enable_prefix_caching", "enforce_eager", "block_size",
         "trust_remote_code", "enable_log_requests", "kv_cache_memory_bytes", "max_num_queued_reqs")
NAMES = ("max-num-seqs", "max_num_seqs", "max-num_seqs", "max-num-seq", "max_num_se", "max-num-s", "max-model-len",
         "max_model_len", "max-model", "max-num-batched-tokens", "max_num_batched_tokens", "port", "shutdown-timeout",
         "shutdown_timeout", "shut", "tensor-parallel-size", "tensor_parallel", "gpu-memory-utilization",
         "device_memory_utilization", "block_size", "kv-cache-memory-bytes", "max_num_queued_reqs", "max-num-sequences",
         "max-num-seqs-x", "seed")
VALUES = ("4", "16", "4096", "1k", "1K", "25.6k", "1.5K", "2m", "-1", "auto", "AUTO", "0", "None", "", " 8 ", "1_000",
          "four", "0.5", "1e3", "+7", "-5", "-0.5")
WHOLES = (("--served-model-name", "a", "b"), ("--served_model_name=a",), ("--served-model-name", "a"),
          ("--served-model-name",), ("--served-model", "x", "y"), ("-tp", "2"), ("-tp=4"), ("-tp2",), ("-t", "2"),
          ("-q", "awq"), ("-qawq",), ("-O3",), ("-O", "2"), ("-O=1",), ("-cc.mode", "3"), ("-cc.mode=3",),
          ("--compilation-config.mode=3",), ("--compilation_config.pass_config.fuse_norm_quant", "true"),
          ("--enforce-eager",), ("--enforce_eager",), ("--no-enforce-eager",), ("--enforce-eager=true",),
          ("--enforce-eager", "true"), ("--enable-prefix-caching",), ("--no_enable_prefix_caching",),
          ("--disable-prefix-caching",), ("--enable-prefix",), ("--trust-remote-code",), ("--trust",),
          ("--disable-log-requests",), ("--no-enable-log-requests",), ("--enable-log-requests",),
          ("--api-key", "k", "l"), ("--",),
          ("--hf-token",), ("--hf-token", "t"), ("--swap-space", "4"), ("--task=generate",), ("--dtype", "half"),
          ("--dtype=halve",), ("--hf-overrides", "{\"a\": 1}"), ("--limit-mm-per-prompt", "{\"image\": 2}"),
          ("--limit-mm-per-prompt", "image=2"), ("--chat-template", "{{ a b }}"),
          ("--middleware", "a.b", "--middleware", "c.d"),
          ("--allowed-origins", "[\"*\"]"), ("extra",), ("-x",), ("-",), ("--uvicorn-log-level", "warning"))


def fragment(draw: random.Random) -> tuple[str, ...]:
    """A flag with a value, in one of its forms, or one of the wholes."""
    if draw.random() < 0.4:
        return draw.choice(WHOLES)
    name, value = "--" + draw.choice(NAMES), draw.choice(VALUES[:5] if draw.random() < 0.5 else VALUES)
    return draw.choice(((name, value), (f"{name}={value}",), (f"{name}={value}",), (name, value), (name,)))


def command_lines() -> Iterator[list[str]]:
    """The arguments after `vllm serve`."""
    draw = random.Random(SEED)
    for _ in range(CASES):
        parts = [fragment(draw) for _ in range(draw.randint(1, 3))]
        line = ["m", *(text for part in parts for text in part)]
        if line[-1] != "--":  # releases of Python differ in what a `--` without anything after it means
            yield line


def parsed(parser: FlexibleArgumentParser, args: list[str], defaults: dict[str, Any]) -> dict[str, Any]:
    """The values other than the defaults, or the error in the parser's words."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            found = vars(parser.parse_args(["serve", *args]))
    except SystemExit:
        return {"args": args, "error": said.getvalue().strip().splitlines()[-1].partition("error: ")[2]}
    except (ValueError, IndexError) as error:
        return {"args": args, "error": f"{type(error).__name__}: {error}"}
    return {"args": args, "values": {name: found[name] for name in SHOWN if found[name] != defaults[name]}}


if __name__ == "__main__":
    main = FlexibleArgumentParser(prog="vllm")
    serve = main.add_subparsers(dest="subparser").add_parser("serve")
    make_arg_parser(serve)
    unset = vars(main.parse_args(["serve", "m"]))
    for line in command_lines():
        sys.stdout.write(json.dumps(parsed(main, line, unset)) + "\n")
