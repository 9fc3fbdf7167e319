"""How the server dies: aborting, draining, or vanishing; vLLM's `[shutdown]` lines."""

import asyncio
import contextlib
import os
import socket

from elastometer_standin import log
from elastometer_standin.server import Server
from elastometer_standin.settings import ShutdownMode

FLUSH_SECONDS = 0.3
"""vLLM's clients had their last bytes within this time of the signal."""
POLL_SECONDS = 0.02
TCP_REPAIR = 19
"""Linux: a socket in repair mode is closed without a FIN. Needs CAP_NET_ADMIN."""


async def shut_down(server: Server, listener: asyncio.AbstractServer) -> None:
    """Returns when the process may exit; in hang mode without privileges it never returns."""
    settings = server.settings
    if settings.shutdown_mode is ShutdownMode.HANG:
        await _vanish(server, listener)
    timeout = settings.shutdown_timeout_seconds
    mode = "drain" if timeout > 0 else "abort"
    log.info("launcher.py:254", "[shutdown] API server: shutdown triggered")
    log.info("launcher.py:270", f"[shutdown] API server: stopping engine client mode={mode} timeout={timeout:g}s")
    _engine_line(f"start mode={mode} timeout={timeout:g}s")
    if mode == "drain":
        await _drain(server, timeout)
    count = server.engine.unfinished
    if count or mode == "abort":
        _engine_line(f"aborting in-flight requests count={count}")
    server.draining = True
    server.abort_all()
    listener.close()
    await _flush(server)
    _engine_line("complete")


def _engine_line(text: str) -> None:
    log.info("core.py:1635", f"[shutdown] EngineCore: {text}", process="EngineCore_DP0")


async def _drain(server: Server, timeout: float) -> None:
    """Let running and queued requests finish; the door stays open, but new requests are turned away."""
    server.draining = True
    _engine_line(f"draining in-flight requests count={server.engine.unfinished} timeout={timeout:g}s")
    deadline = server.loop.time() + timeout
    while server.engine.unfinished and server.loop.time() < deadline:
        await asyncio.sleep(POLL_SECONDS)


async def _flush(server: Server) -> None:
    """Close idle connections, then wait a moment for the last bytes of the busy ones."""
    deadline = server.loop.time() + FLUSH_SECONDS
    for connection in list(server.connections):
        connection.close_after_reply()
    while server.connections and server.loop.time() < deadline:
        await asyncio.sleep(POLL_SECONDS)


async def _vanish(server: Server, listener: asyncio.AbstractServer) -> None:
    """Leave without FIN or RST where the kernel lets us; else fall silent until killed."""
    listener.close()
    silent = all([_repair(connection.transport) for connection in list(server.connections)])
    if silent:
        os._exit(0)
    for connection in list(server.connections):
        with contextlib.suppress(RuntimeError):
            if connection.transport is not None:
                connection.transport.pause_reading()
    server.silence()
    await asyncio.Event().wait()


def _repair(transport: asyncio.Transport | None) -> bool:
    raw = transport.get_extra_info("socket") if transport is not None else None
    if raw is None:
        return True
    try:
        raw.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    except OSError:
        return False
    return True
