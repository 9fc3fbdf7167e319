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
    Fault.CUT: "half of the text, with the finish reason length",
    Fault.SHORT: "three tokens, with the finish reason stop",
    Fault.FORGET: "the facts that the prompt asked to remember are left out",
}


def add_standin_flags(parser: argparse.ArgumentParser) -> None:
    """Adds every `--standin-...` flag, in groups."""
    _add_pace(parser.add_argument_group("pace and start-up"))
    _add_behaviour(parser.add_argument_group("shutdown and log"))
    faults = parser.add_argument_group("faults", "the share of requests that each fault hits, from 0 (default) to 1")
    for fault, text in FAULTS.items():
        faults.add_argument(f"{PREFIX}{fault.value}-rate", type=float, default=0.0, metavar="SHARE", help=text)
    faults.add_argument(f"{PREFIX}fault-seed", type=int, default=0, metavar="N",
                        help="a different seed hits different requests (default: 0)")


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


def _add_behaviour(group: argparse._ArgumentGroup) -> None:
    group.add_argument(f"{PREFIX}shutdown", choices=[mode.value for mode in ShutdownMode], default="normal",
                       help=f"{SHUTDOWN_HELP} (default: normal)")
    group.add_argument(f"{PREFIX}drain-rejection", choices=[reply.value for reply in DrainRejection],
                       default="500", help=f"{REJECTION_HELP} (default: 500)")
    group.add_argument(f"{PREFIX}access-log", action="store_true", help="write one log line per request")
    group.add_argument(f"{PREFIX}log-prefix", action="store_true",
                       help="begin each log line with the process name and pid, as vLLM does")
