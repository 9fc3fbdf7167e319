"""What several tests here share: a stand-in that is up, in a process of its own, and a browser."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from support.browser import browser
from support.ports import free_port

AT_ONCE = ",".join(f"{phase}=0" for phase in ("import", "config", "weights", "compile", "profile", "graphs", "http"))


@pytest.fixture
def standin() -> Callable[..., AbstractContextManager[str]]:
    """Starts a stand-in that logs to a file, with further options; the context's value is its URL."""
    return _standin


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a headless Chromium that is up."""
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@contextmanager
def _standin(log: Path, *arguments: str) -> Iterator[str]:
    port = free_port()
    options = [
        "--host=127.0.0.1", f"--port={port}", f"--standin-startup={AT_ONCE}", "--standin-decode-ms-per-token=2",
        "--standin-prefill-overhead-ms=0", "--standin-prefill-tokens-per-second=1000000",
    ]
    with log.open("w") as output:
        command = [sys.executable, "-m", "elastometer_standin", "serve", *options, *arguments]
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            _wait_until_it_listens(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()
            server.wait()


def _wait_until_it_listens(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("the stand-in did not come up")
