"""How the server shuts down: aborting, draining, or vanishing; with vLLM's `[shutdown]` log lines."""

import asyncio
import contextlib
import os
import socket

from elastometer_standin import log
from elastometer_standin.server import Server
from elastometer_standin.settings import ShutdownMode

FLUSH_SECONDS = 0.3
"""Clients of a vLLM that aborted had their last bytes within this time of the signal."""
POLL_SECONDS = 0.02
TCP_REPAIR = 19
"""Of linux/tcp.h; Python has no name for it. A socket in repair mode is closed without a FIN. Needs CAP_NET_ADMIN."""


async def shut_down(server: Server, listener: asyncio.AbstractServer) -> None:
    """Shut down; returns when the process may exit. In hang mode it never returns."""
    settings = server.settings
    # First of all, and without a log line: a Pod whose network is gone says nothing about its end.
    if settings.shutdown_mode is ShutdownMode.HANG:
        await _vanish(server, listener)
    timeout = settings.shutdown_timeout_seconds
    mode = "drain" if timeout > 0 else "abort"
    log.info("launcher.py:254", "[shutdown] API server: shutdown triggered")
    log.info("launcher.py:270", f"[shutdown] API server: stopping engine client mode={mode} timeout={timeout:g}s")
    _log_engine(f"start mode={mode} timeout={timeout:g}s")
    if mode == "drain":
        await _drain(server, timeout)
    count = server.engine.unfinished
    if count or mode == "abort":
        _log_engine(f"aborting in-flight requests count={count}")
    server.draining = True  # also in abort mode: what arrives from now on must not be queued
    server.abort_all()
    listener.close()
    await _flush(server)
    _log_engine("complete")


async def give_up(server: Server, listener: asyncio.AbstractServer) -> None:
    """End the process after its engine died; returns when it may exit. uvicorn's lines, as vLLM ends then."""
    listener.close()
    log.raw("INFO:     Shutting down")
    await _flush(server)
    log.raw("INFO:     Application shutdown complete.")
    log.raw(f"INFO:     Finished server process [{os.getpid()}]")


def _log_engine(text: str) -> None:
    log.info("core.py:1635", f"[shutdown] EngineCore: {text}", process="EngineCore_DP0")


async def _drain(server: Server, timeout: float) -> None:
    """Let running and queued requests finish; the port stays open, but new requests are turned away.

    The open port is vLLM's behaviour, and matters: a Pod that drains still gets requests until its endpoint is removed.
    """
    server.draining = True
    _log_engine(f"draining in-flight requests count={server.engine.unfinished} timeout={timeout:g}s")
    deadline = server.loop.time() + timeout
    while server.engine.unfinished and server.loop.time() < deadline:
        await asyncio.sleep(POLL_SECONDS)


async def _flush(server: Server) -> None:
    """Close idle connections, then give busy ones a moment to send their last bytes."""
    deadline = server.loop.time() + FLUSH_SECONDS
    for connection in list(server.connections):
        connection.close_after_reply()
    while server.connections and server.loop.time() < deadline:
        await asyncio.sleep(POLL_SECONDS)


async def _vanish(server: Server, listener: asyncio.AbstractServer) -> None:
    """Exit without FIN or RST where the kernel allows it; otherwise fall silent until killed."""
    listener.close()
    # A list and not a generator: every socket must be tried, also after the first that failed.
    silent = all([_enter_repair_mode(connection.transport) for connection in list(server.connections)])
    if silent:
        os._exit(0)
    for connection in list(server.connections):
        with contextlib.suppress(RuntimeError):
            # Bytes that arrive are left in the kernel's buffer, as if the network were gone.
            if connection.transport is not None:
                connection.transport.pause_reading()
    server.silence()
    await asyncio.Event().wait()


def _enter_repair_mode(transport: asyncio.Transport | None) -> bool:
    """Make the kernel close this socket without a word; False where it does not allow that."""
    raw = transport.get_extra_info("socket") if transport is not None else None
    if raw is None:
        return True
    try:
        raw.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    except OSError:
        return False
    return True
