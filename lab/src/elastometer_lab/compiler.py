"""Runs the Go compiler: fetches sources, shows progress, retries network failures, and reports errors clearly."""
from __future__ import annotations

import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from elastometer_lab.errors import LabError
from elastometer_lab.programs import Program
from elastometer_lab.progress import Progress

LINE_SECONDS = 10.0
"""Time between two lines of progress where there is no terminal."""
TICK_SECONDS = 0.2
RETRY_SECONDS = (2.0, 8.0)
"""Waits before the next attempts when the module proxy or the network failed."""
NETWORK_SIGNS = ("dial tcp", "i/o timeout", "tls handshake", "connection reset", "connection refused", "unexpected eof",
                 "no such host", "temporary failure", "502 bad gateway", "503 service", "504 gateway", "429 too many",
                 "stream error", "goaway", "network is unreachable")
"""Texts in Go's errors, in lower case, that mean that another attempt may succeed; Go has no exit code for it."""


@dataclass(slots=True)
class Tally:
    """What the compiler has printed so far; one thread writes it, another reads it."""

    fetched: int = 0
    compiled: int = 0
    messages: deque[str] = field(default_factory=lambda: deque(maxlen=40))
    """The latest lines that are neither: warnings and errors."""

    def read(self, stream: IO[str]) -> None:
        """Count lines until the stream ends."""
        for line in stream:
            self.take(line.rstrip())

    def take(self, line: str) -> None:
        """Count one line. With `-v` the path of each package that is compiled is alone on its line."""
        if line.startswith("go: downloading "):
            self.fetched += 1
        elif line and not line.startswith("#") and " " not in line and ":" not in line:
            self.compiled += 1
        elif line:
            self.messages.append(line)

    @property
    def is_network_fault(self) -> bool:
        """Whether the network or the module proxy failed, rather than the build."""
        text = "\n".join(self.messages).lower()
        return any(sign in text for sign in NETWORK_SIGNS)


@dataclass(frozen=True, slots=True)
class Compiler:
    """Builds one program with one toolchain."""

    go: Path
    program: Program
    environment: Mapping[str, str]
    progress: Progress

    def run(self, flags: Sequence[str], output: Path, place: str) -> int:
        """Build the program; returns how many packages were compiled and not taken from the compiler's cache.

        `go list` first: it fetches the sources, and says how many packages are stale, for progress in numbers.
        """
        title = f"{self.program.name} ({place})"
        stale = ("list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", *flags, self.program.package)
        listed = self.run_with_retries(stale, f"{title}: fetching sources", None)[1]
        total = sum(bool(line) for line in listed.splitlines())
        build = ("build", "-v", "-o", str(output), *flags, self.program.package)
        return self.run_with_retries(build, f"building {title}", total)[0].compiled

    def run_with_retries(self, arguments: Sequence[str], title: str, total: int | None) -> tuple[Tally, str]:
        """Run `go`, and retry when the network failed; any other failure is a LabError at once."""
        for wait_seconds in (*RETRY_SECONDS, None):
            status, tally, text = self.run_once(arguments, title, total)
            if status == 0:
                return tally, text
            if wait_seconds is None or not tally.is_network_fault:
                break
            self.progress.say(f"{title}: {tally.messages[-1]}; trying again in {wait_seconds:.0f} s")
            time.sleep(wait_seconds)
        raise LabError(self.error_message(tally))

    def run_once(self, arguments: Sequence[str], title: str, total: int | None) -> tuple[int, Tally, str]:
        """Run one process; returns its exit status, its tally and its standard output."""
        tally, printed = Tally(), list[str]()
        process = subprocess.Popen((str(self.go), *arguments), cwd=self.program.directory, env=self.environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, errors="replace")
        if process.stdout is None or process.stderr is None:
            raise LabError("no pipe from the Go compiler")
        # Both pipes are read all the time: a full one would block the compiler.
        readers = (threading.Thread(target=tally.read, args=(process.stderr,), daemon=True),
                   threading.Thread(target=printed.extend, args=(process.stdout,), daemon=True))
        try:
            for reader in readers:
                reader.start()
            self.watch(process, tally, title, total)
        finally:
            process.terminate()  # no effect if it has ended; after an interruption it must not go on alone
            status = process.wait()
        for reader in readers:
            reader.join()
        return status, tally, "".join(printed)

    def watch(self, process: subprocess.Popen[str], tally: Tally, title: str, total: int | None) -> None:
        """Show progress until the process ends: live on a terminal, otherwise one line every ten seconds."""
        begun = last_line = time.monotonic()
        is_live = self.progress.console.is_terminal
        with self.progress.console.status(title) if is_live else nullcontext() as status:
            while process.poll() is None:
                time.sleep(TICK_SECONDS)
                now = time.monotonic()
                if status is not None:
                    status.update(progress_line(title, tally, total, now - begun))
                elif now - last_line >= LINE_SECONDS:
                    last_line = now
                    self.progress.say(progress_line(title, tally, total, now - begun))

    def error_message(self, tally: Tally) -> str:
        """The error for a person: the end of the compiler's output, and what to do about it."""
        advice = ("The Go module proxy did not answer. Check the network or set GOPROXY, then run the command again: "
                  "it continues where it stopped." if tally.is_network_fault else
                  "Run the command again; if it fails in the same way, the sources in lab/go were changed, or memory "
                  "or disk ran out (`df -h`, `free -h`).")
        output = "\n".join(f"  {line[:400]}" for line in list(tally.messages)[-20:]) or "  (it printed nothing)"
        return f"cannot build {self.program.name}. The end of the Go compiler's output:\n{output}\n{advice}"


def progress_line(title: str, tally: Tally, total: int | None, elapsed_seconds: float) -> str:
    """How far the build is, in one line; without a total it is fetching sources."""
    clock = f"{int(elapsed_seconds) // 60}:{int(elapsed_seconds) % 60:02d}"
    if total is None:
        return f"{title}: {tally.fetched} modules, {clock}"
    fetched = f", {tally.fetched} modules fetched" if tally.fetched else ""
    if total and tally.compiled >= total:
        return f"{title}: linking, {clock}"
    return f"{title}: {tally.compiled} of {total} packages{fetched}, {clock}"
