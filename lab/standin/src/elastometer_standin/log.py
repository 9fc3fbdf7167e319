"""Writes log lines in vLLM's form, `INFO MM-DD HH:MM:SS [file.py:line] message`, to standard output, in local time.

The operator reads cold-start milestones from these lines, and must find here what it finds in vLLM's log.
"""

import sys
import time

_prefixed = False
_pid_text = ""


def configure(*, prefix: bool, pid: int) -> None:
    """With `prefix`, lines begin with `(APIServer pid=N)` or `(EngineCore_DP0 pid=N)`, vLLM's two processes."""
    global _prefixed, _pid_text
    _prefixed, _pid_text = prefix, str(pid)


def info(source: str, message: str, *, process: str = "APIServer", level: str = "INFO") -> None:
    """Write one line; `source` is vLLM's `file.py:line`. Line breaks are escaped: no client may forge a line."""
    stamp = time.strftime("%m-%d %H:%M:%S")
    before = f"({process} pid={_pid_text}) " if _prefixed else ""
    raw(f"{before}{level} {stamp} [{source}] {_one_line(message)}")


def raw(line: str) -> None:
    """Write a line of another form, such as uvicorn's `INFO:     …`."""
    # Flushed line by line: a container that is killed must not take its last lines with it.
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _one_line(message: str) -> str:
    return message.replace("\r", "\\r").replace("\n", "\\n")
