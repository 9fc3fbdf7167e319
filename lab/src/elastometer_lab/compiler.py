"""One run of the Go compiler: fetches, counts, compiles, tells how far it is, and says clearly what went wrong."""
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
"""Between two lines of progress where there is no terminal to draw on."""
TICK_SECONDS = 0.2
RETRY_SECONDS = (2.0, 8.0)
"""Waits before another try when the module proxy or the network failed."""
NETWORK_SIGNS = ("dial tcp", "i/o timeout", "tls handshake", "connection reset", "connection refused", "unexpected eof",
                 "no such host", "temporary failure", "502 bad gateway", "503 service", "504 gateway", "429 too many",
                 "stream error", "goaway", "network is unreachable")


@dataclass(slots=True)
class Tally:
    """What the compiler's output amounts to so far; one thread writes it, another reads it."""

    fetched: int = 0
    compiled: int = 0
    words: deque[str] = field(default_factory=lambda: deque(maxlen=40))
    """The latest lines that are neither: what it complained about."""

    def read(self, stream: IO[str]) -> None:
        for line in stream:
            self.take(line.rstrip())

    def take(self, line: str) -> None:
        """`-v` prints the path of each package that it compiles, alone on a line."""
        if line.startswith("go: downloading "):
            self.fetched += 1
        elif line and not line.startswith("#") and " " not in line and ":" not in line:
            self.compiled += 1
        elif line:
            self.words.append(line)

    @property
    def is_network_fault(self) -> bool:
        text = "\n".join(self.words).lower()
        return any(sign in text for sign in NETWORK_SIGNS)


@dataclass(frozen=True, slots=True)
class Compiler:
    """Builds one program with one toolchain."""

    go: Path
    program: Program
    environment: Mapping[str, str]
    progress: Progress

    def run(self, flags: Sequence[str], output: Path, place: str) -> int:
        """Number of packages that were compiled, as opposed to taken from the compiler's cache."""
        title = f"{self.program.name} ({place})"
        stale = ("list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", *flags, self.program.package)
        listed = self.insist(stale, f"{title}: fetching sources", None)[1]
        total = sum(bool(line) for line in listed.splitlines())
        compile_it = ("build", "-v", "-o", str(output), *flags, self.program.package)
        return self.insist(compile_it, f"building {title}", total)[0].compiled

    def insist(self, arguments: Sequence[str], title: str, total: int | None) -> tuple[Tally, str]:
        """Tries again what failed for the network; any other failure is an error at once."""
        for wait_seconds in (*RETRY_SECONDS, None):
            status, tally, text = self.attempt(arguments, title, total)
            if status == 0:
                return tally, text
            if wait_seconds is None or not tally.is_network_fault:
                break
            self.progress.say(f"{title}: {tally.words[-1]}; trying again in {wait_seconds:.0f} s")
            time.sleep(wait_seconds)
        raise LabError(self.complaint(tally))

    def attempt(self, arguments: Sequence[str], title: str, total: int | None) -> tuple[int, Tally, str]:
        """One process: its exit status, its tally and what it printed to its standard output."""
        tally, printed = Tally(), list[str]()
        process = subprocess.Popen((str(self.go), *arguments), cwd=self.program.directory, env=self.environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, errors="replace")
        if process.stdout is None or process.stderr is None:
            raise LabError("no pipe from the Go compiler")
        readers = (threading.Thread(target=tally.read, args=(process.stderr,), daemon=True),
                   threading.Thread(target=printed.extend, args=(process.stdout,), daemon=True))
        try:
            for reader in readers:
                reader.start()
            self.watch(process, tally, title, total)
        finally:
            process.terminate()  # nothing to a process that has ended; an interrupted one must not go on alone
            status = process.wait()
        for reader in readers:
            reader.join()
        return status, tally, "".join(printed)

    def watch(self, process: subprocess.Popen[str], tally: Tally, title: str, total: int | None) -> None:
        """Tells how far it is until it ends: live on a terminal, else in a line every ten seconds."""
        begun = last_line = time.monotonic()
        is_live = self.progress.console.is_terminal
        with self.progress.console.status(title) if is_live else nullcontext() as status:
            while process.poll() is None:
                time.sleep(TICK_SECONDS)
                now = time.monotonic()
                if status is not None:
                    status.update(report(title, tally, total, now - begun))
                elif now - last_line >= LINE_SECONDS:
                    last_line = now
                    self.progress.say(report(title, tally, total, now - begun))

    def complaint(self, tally: Tally) -> str:
        """The error for a person: the compiler's last words, and what to do about them."""
        advice = ("The Go module proxy did not answer. See to the network or set GOPROXY, then run the command again: "
                  "it goes on where it stopped." if tally.is_network_fault else
                  "Run the command again; if it fails in the same way, the sources in lab/go were changed, or memory "
                  "or disk ran out (`df -h`, `free -h`).")
        words = "\n".join(f"  {line[:400]}" for line in list(tally.words)[-20:]) or "  (it said nothing)"
        return f"cannot build {self.program.name}. The end of what the Go compiler said:\n{words}\n{advice}"


def report(title: str, tally: Tally, total: int | None, elapsed_seconds: float) -> str:
    """How far it is, in one line."""
    clock = f"{int(elapsed_seconds) // 60}:{int(elapsed_seconds) % 60:02d}"
    if total is None:
        return f"{title}: {tally.fetched} modules, {clock}"
    fetched = f", {tally.fetched} modules fetched" if tally.fetched else ""
    if total and tally.compiled >= total:
        return f"{title}: linking, {clock}"
    return f"{title}: {tally.compiled} of {total} packages{fetched}, {clock}"
