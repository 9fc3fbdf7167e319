"""vLLM's log line: `INFO MM-DD HH:MM:SS [file.py:line] message`, on standard output, local time."""

import sys
import time

_prefixed = False
_pid_text = ""


def configure(*, prefix: bool, pid: int) -> None:
    """With `prefix`, lines begin with `(APIServer pid=N)` or `(EngineCore_DP0 pid=N)` as from two processes."""
    global _prefixed, _pid_text
    _prefixed, _pid_text = prefix, str(pid)


def info(source: str, message: str, *, process: str = "APIServer", level: str = "INFO") -> None:
    """`source` is vLLM's `file.py:line`. Line breaks of a hostile message are escaped."""
    stamp = time.strftime("%m-%d %H:%M:%S")
    before = f"({process} pid={_pid_text}) " if _prefixed else ""
    raw(f"{before}{level} {stamp} [{source}] {_one_line(message)}")


def raw(line: str) -> None:
    """A line in another's form, such as uvicorn's `INFO:     …`."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _one_line(message: str) -> str:
    return message.replace("\r", "\\r").replace("\n", "\\n")
