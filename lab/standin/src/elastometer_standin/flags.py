"""The stand-in's own flags: how fast it serves and starts, how it shuts down, and which faults it injects.

Each has the help that `--help` prints. docs/standin.md explains them in more detail.
"""

import argparse
from collections.abc import Mapping

from elastometer_serverflags.standin import PREFIX
from elastometer_standin.settings import DrainRejection, Pace, ShutdownMode
from elastometer_standin.troubles.faults import Fault

PACE_FLAGS: Mapping[str, str] = {
    "prefill-tokens-per-second": "prompt tokens that are prefilled per second",
    "prefill-overhead-ms": "added once to each step in which a request begins its prefill",
    "decode-ms-per-token": "duration of a decode step with one sequence",
    "decode-slowdown": "growth of the decode step for each further running sequence, as a share of it",
    "cpu-ms-per-token": "CPU time that is really spent for each generated token, for autoscalers on CPU",
}
"""These are also accepted without the `standin-` prefix."""
SHUTDOWN_HELP = "what SIGTERM does: normal aborts or drains as vLLM does; hang falls silent without closing connections"
REJECTION_HELP = "reply to requests that arrive during a drain: HTTP 500, or 200 with the finish reason abort"
FAULTS: Mapping[Fault, str] = {
    Fault.ERROR: "HTTP 500",
    Fault.UNAVAILABLE: "HTTP 503",
    Fault.OOM: "HTTP 500 after the prefill: CUDA out of memory",
    Fault.ENGINE_DEAD: "every open reply fails, /health answers 503, and the process exits",
    Fault.DROP: "the connection is closed before the first byte",
    Fault.RESET_FIRST: "the connection is reset (RST) before the first byte",
    Fault.MUTE: "no byte is ever sent; the connection stays open",
    Fault.TRUNCATE: "the connection is closed in mid-stream",
    Fault.RESET: "the connection is reset (RST) in mid-stream",
    Fault.STALL: "the stream falls silent midway; the connection stays open",
    Fault.ABORT: "the stream ends midway with the finish reason abort",
    Fault.CROSSTALK: "the answer carries the mark of the previous request",
    Fault.BROKEN_JSON: "one event of the stream is not valid JSON",
    Fault.OTHER_TASK: "the answer to an earlier request of another kind",
    Fault.WRONG_LABEL: "a label that is not in the list",
    Fault.LABEL_CASE: "the right label in the wrong letter case",
    Fault.NOT_JSON: "plain words where JSON was requested",
    Fault.JSON_IN_TEXT: "JSON in a code fence with words before it",
    Fault.CUT_JSON: "JSON that ends in the middle, with the finish reason stop",
    Fault.MISSING_FIELD: "the first required field is missing",
    Fault.FIELD_CASE: "the name of a field is in the wrong letter case",
    Fault.STRING_FOR_ARRAY: "a list becomes a string with commas",
    Fault.QUOTED_NUMBER: "a number is in quotes",
    Fault.REPEAT: "the same four tokens over and over",
    Fault.LATE_REPEAT: "the same four tokens over and over in the last third",
    Fault.GARBLE: "U+FFFD in the middle of the text",
    Fault.CUT: "half of the text, with the finish reason length",
    Fault.EARLY_STOP: "the finish reason stop at 93 %% of max_tokens",
    Fault.SHORT: "three tokens, with the finish reason stop",
    Fault.FORGET: "the facts that the prompt asked to remember are left out",
    Fault.DELAY: "waits for --standin-delay-seconds before it joins the queue; can strike together with another fault",
}
MEMORY_FLAGS: Mapping[str, str] = {
    "memory-base-mb": "MiB that the process holds from its start",
    "memory-kb-per-stream": "KiB that it holds for each request under way",
    "memory-leak-kb-per-request": "KiB that each request leaves behind for good",
    "memory-return-seconds": "how long the memory of streams is kept after their end",
}
WHEN_HELP = "circumstances in which it may strike, as in streams>=60,turn>4"


def add_standin_flags(parser: argparse.ArgumentParser) -> None:
    """Adds every `--standin-...` flag, in groups."""
    _add_pace(parser.add_argument_group("pace and start-up"))
    _add_hardware(parser.add_argument_group("cores, pauses and memory"))
    _add_behaviour(parser.add_argument_group("answers, shutdown and log"))
    _add_faults(parser.add_argument_group(
        "faults", "the share of requests that each fault hits, from 0 (default) to 1, and in which circumstances"))


def _add_faults(group: argparse._ArgumentGroup) -> None:
    for fault, text in FAULTS.items():
        group.add_argument(f"{PREFIX}{fault.value}-rate", type=float, default=0.0, metavar="SHARE", help=text)
        group.add_argument(f"{PREFIX}{fault.value}-when", default="", metavar="CONDITION", help=WHEN_HELP)
    group.add_argument(f"{PREFIX}fault-seed", type=int, default=0, metavar="N",
                       help="a different seed hits different requests (default: 0)")
    _add_number(group, "delay-seconds", 1.0, "how long the fault delay keeps a request from the queue")


def _add_number(group: argparse._ArgumentGroup, name: str, default: float, text: str) -> None:
    group.add_argument(f"{PREFIX}{name}", type=float, default=default, metavar="NUMBER",
                       help=f"{text} (default: {default:g})")


def _add_hardware(group: argparse._ArgumentGroup) -> None:
    for name, text in MEMORY_FLAGS.items():
        _add_number(group, name, 0.0, text)
    _add_number(group, "gpu-memory-gib", 0.0, "GiB of the GPU that /metrics shows as dcgm-exporter does; 0 shows none")
    group.add_argument(f"{PREFIX}cores", type=int, metavar="N",
                       help="cores that --api-server-count servers share; with fewer, each step takes longer")
    _add_number(group, "pause-seconds", 0.0, "how long the engine stands still each time")
    _add_number(group, "pause-every-seconds", 0.0, "time from the beginning of one pause to that of the next")


def _add_pace(group: argparse._ArgumentGroup) -> None:
    pace = Pace()
    for name, text in PACE_FLAGS.items():
        default = getattr(pace, name.replace("-", "_"))
        group.add_argument(f"{PREFIX}{name}", f"--{name}", type=float, default=default, metavar="NUMBER",
                           help=f"{text} (default: {default:g})")
    group.add_argument(f"{PREFIX}answer-tokens", type=int, default=128, metavar="N",
                       help="mean natural length of an answer (default: 128)")
    group.add_argument(f"{PREFIX}startup", default="", metavar="PHASE=SECONDS,…",
                       help="duration of start-up phases, as in weights=3,compile=2; the others keep their defaults")
    group.add_argument(f"{PREFIX}startup-jitter", type=float, default=0.0, metavar="SHARE",
                       help="0.1 varies each phase by up to 10 %%, determined by the Pod's name (default: 0)")
    group.add_argument(f"{PREFIX}download-once", metavar="DIR",
                       help="folder that keeps the weights: a start that finds them there downloads nothing")


def _add_behaviour(group: argparse._ArgumentGroup) -> None:
    group.add_argument(f"{PREFIX}label-words", default="", metavar="LABEL=WORD|WORD,…",
                       help="words in the last message of the user that decide which label is right")
    group.add_argument(f"{PREFIX}json-schema", default="", metavar="SCHEMA",
                       help="prompts that speak of JSON get a value of this schema without response_format")
    group.add_argument(f"{PREFIX}shutdown", choices=[mode.value for mode in ShutdownMode], default="normal",
                       help=f"{SHUTDOWN_HELP} (default: normal)")
    group.add_argument(f"{PREFIX}drain-rejection", choices=[reply.value for reply in DrainRejection],
                       default="500", help=f"{REJECTION_HELP} (default: 500)")
    group.add_argument(f"{PREFIX}access-log", action="store_true", help="write one log line per request")
    group.add_argument(f"{PREFIX}log-prefix", action="store_true",
                       help="begin each log line with the process name and pid, as vLLM does")
