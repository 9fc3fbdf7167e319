"""`python3 -m elastometer_standin`: start as vLLM starts, serve, and die as vLLM dies."""

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
from elastometer_standin.cli import CliError, parse
from elastometer_standin.server import Server
from elastometer_standin.settings import Settings
from elastometer_standin.shutdown import shut_down
from elastometer_standin.startup import Line, phase_seconds, timetable, uvicorn_lines

BACKLOG = 2048
REFUSAL_POLL_SECONDS = 0.05
KEYBOARD_INTERRUPT_STATUS = 130


def main() -> int:
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
    asked = asyncio.Event()

    def on_signal() -> None:
        if asked.is_set():
            os._exit(1)
        asked.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    listening = bind(settings)
    if not await _start_up(settings, asked):
        print("KeyboardInterrupt: terminated", file=sys.stderr, flush=True)
        return KEYBOARD_INTERRUPT_STATUS
    server = Server(settings, loop, started)
    server.begin()
    gc.freeze()  # what start-up made will live for ever; collections need not walk it
    listener: asyncio.AbstractServer = await loop.create_server(server.protocol, sock=listening, backlog=BACKLOG)
    log.raw("INFO:     Application startup complete.")
    listener = await _serve(server, listener, asked)
    await shut_down(server, listener)
    return 0


async def _start_up(settings: Settings, asked: asyncio.Event) -> bool:
    """Print the timetable; False when asked to stop before the end."""
    seconds = phase_seconds(settings, settings.pod_name)
    for flag in settings.ignored_flags:
        log.info("arg_utils.py:1", f"argument {flag} is accepted and has no effect in the stand-in")
    for line in (*timetable(settings, seconds), *uvicorn_lines(settings, seconds, os.getpid())):
        if line.after_seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asked.wait(), line.after_seconds)
        if asked.is_set():
            return False
        _print(line)
    return True


def _print(line: Line) -> None:
    if line.source is None:
        log.raw(line.text)
    else:
        log.info(line.source, line.text, process="EngineCore_DP0" if line.engine else "APIServer")


async def _serve(server: Server, listener: asyncio.AbstractServer, asked: asyncio.Event) -> asyncio.AbstractServer:
    """Until asked to stop; opens and closes the port as `refuse` says. The listener of the last moment."""
    open_port = True
    while not asked.is_set():
        if server.refusing and open_port:
            listener.close()
            open_port = False
        elif not server.refusing and not open_port:
            listener = await server.loop.create_server(server.protocol, sock=bind(server.settings), backlog=BACKLOG)
            open_port = True
        try:
            await asyncio.wait_for(asked.wait(), REFUSAL_POLL_SECONDS)
        except TimeoutError:
            continue
    return listener


def bind(settings: Settings) -> socket.socket:
    """Hold the port without listening, as vLLM does: connections are refused until the engine is ready."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((settings.host, settings.port))
    sock.setblocking(False)
    return sock


if __name__ == "__main__":
    sys.exit(main())
