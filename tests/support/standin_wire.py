"""A stand-in on a free loopback port in the test's own event loop, and a client that shows each byte of its replies."""

import asyncio
import json
import time
from typing import Any

from elastometer_standin.server import Server
from elastometer_standin.settings import Pace, Settings

FAST = Pace(prefill_tokens_per_second=1e6, prefill_overhead_ms=1.0, decode_ms_per_token=2.0)


class Lab:
    """A server on a free loopback port, and a raw client."""

    def __init__(self, server: Server, listener: asyncio.Server) -> None:
        self.server, self.listener = server, listener
        self.port: int = listener.sockets[0].getsockname()[1]

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def raw(self, data: bytes) -> bytes:
        """Everything the server sends until it closes."""
        reader, writer = await self.connect()
        writer.write(data)
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return answer

    async def post(self, path: str, data: Any, *, headers: str = "") -> tuple[int, str, str]:
        """(status, head, unchunked body)."""
        answer = await self.raw(message(path, data, headers=f"connection: close\r\n{headers}"))
        return parsed(answer)

    def counted(self, name: str, *label: str) -> float:
        return self.server.catalog.value(name, *([(label[0], label[1])] if label else [])).value


def message(path: str, data: Any, *, headers: str = "") -> bytes:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{headers}"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def parsed(answer: bytes) -> tuple[int, str, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in head:
        whole = b""
        while body:
            size, _, body = body.partition(b"\r\n")
            whole += body[: int(size, 16)]
            body = body[int(size, 16) + 2 :]
        body = whole
    return int(head.split()[1]), head.decode(), body.decode()


def events(body: str) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in body.split("\n\n") if line]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def chat(text: str = "hello", **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}], "max_tokens": 4, **more}


async def lab_with(**changes: Any) -> Lab:
    settings = Settings(**{"model": "m", "pace": FAST, "pod_name": "pod-a", **changes})
    loop = asyncio.get_running_loop()
    server = Server(settings, loop, time.time())
    server.begin()
    return Lab(server, await loop.create_server(server.protocol, "127.0.0.1", 0))
