"""`python3 -m elastometer_standin`: start up as vLLM does, serve, and shut down as vLLM does."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import time

import uvloop

from elastometer_standin import log
from elastometer_standin.arguments import CliError
from elastometer_standin.cli import parse
from elastometer_standin.server import Server
from elastometer_standin.settings import Settings
from elastometer_standin.shutdown import give_up, shut_down
from elastometer_standin.startup import Line, phase_seconds, timetable, uvicorn_lines
from elastometer_standin.weights import Weights

BACKLOG = 2048
"""uvicorn's default; the kernel caps it at net.core.somaxconn."""
REFUSAL_POLL_SECONDS = 0.05
"""How soon a change of `refuse` opens or closes the port."""
KEYBOARD_INTERRUPT_STATUS = 130
"""128 + SIGINT. A guess: vLLM's exit status before it is ready was not measured."""


def main() -> int:
    """The exit status: 0 once it has served, 2 for wrong arguments, 130 when stopped before the server was ready."""
    started = time.time()
    try:
        settings = parse(sys.argv[1:], os.environ)
    except CliError as error:
        print(f"elastometer-standin: error: {error}", file=sys.stderr)
        return 2
    log.configure(prefix=settings.log_prefix, pid=os.getpid())
    return uvloop.run(_run(settings, started))


async def _run(settings: Settings, started: float) -> int:
    loop = asyncio.get_running_loop()
    stop_requested = asyncio.Event()

    # Handlers also because PID 1 of a container has no default action for SIGTERM: without one it would be ignored.
    def on_signal() -> None:
        if stop_requested.is_set():
            os._exit(1)
        stop_requested.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    listening = bind(settings)
    if not await _start_up(settings, stop_requested):
        print("KeyboardInterrupt: terminated", file=sys.stderr, flush=True)
        return KEYBOARD_INTERRUPT_STATUS
    server = Server(settings, loop, started)
    server.begin()
    gc.freeze()  # objects made during start-up are never freed, so garbage collection need not visit them
    listener: asyncio.AbstractServer = await loop.create_server(server.protocol, sock=listening, backlog=BACKLOG)
    log.raw("INFO:     Application startup complete.")  # only now: readers of the log take it for "the port is open"
    server.on_death = stop_requested.set
    listener = await _serve(server, listener, stop_requested)
    await (give_up if server.is_dead else shut_down)(server, listener)
    return 0  # also of a dead engine, as vLLM: https://github.com/vllm-project/vllm/issues/48966


async def _start_up(settings: Settings, stop_requested: asyncio.Event) -> bool:
    """Print the start-up log in real time; False when a signal arrives before its end."""
    weights = Weights(settings.download_once)
    seconds = phase_seconds(settings, settings.pod_name, has_weights=weights.are_there)
    for flag in settings.ignored_flags:
        log.info("arg_utils.py:1", f"argument {flag} is accepted and has no effect in the stand-in")
    for line in (*timetable(settings, seconds), *uvicorn_lines(settings, seconds, os.getpid())):
        if line.after_seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop_requested.wait(), line.after_seconds)
        if stop_requested.is_set():
            return False
        _print(line)
        if line.ends_download:
            weights.keep()
    return True


def _print(line: Line) -> None:
    if line.source is None:
        log.raw(line.text)
    else:
        log.info(line.source, line.text, process="EngineCore_DP0" if line.engine else "APIServer")


async def _serve(
    server: Server, listener: asyncio.AbstractServer, stop_requested: asyncio.Event
) -> asyncio.AbstractServer:
    """Serve until a signal arrives, closing and reopening the port as `refuse` says; returns the last listener."""
    port_is_open = True
    while not stop_requested.is_set():
        if server.refusing and port_is_open:
            listener.close()
            port_is_open = False
        elif not server.refusing and not port_is_open:
            listener = await server.loop.create_server(server.protocol, sock=bind(server.settings), backlog=BACKLOG)
            port_is_open = True
        try:
            await asyncio.wait_for(stop_requested.wait(), REFUSAL_POLL_SECONDS)
        except TimeoutError:
            continue
    return listener


def bind(settings: Settings) -> socket.socket:
    """Bind the port without listening, as vLLM does: connections are refused until the engine is ready.

    A port that is already taken is therefore an error at once and not after minutes of start-up.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((settings.host, settings.port))
    sock.setblocking(False)
    return sock


if __name__ == "__main__":
    sys.exit(main())
