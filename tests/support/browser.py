"""A headless Chromium, driven over its DevTools protocol: it opens pages, presses keys, and reports what went wrong."""
from __future__ import annotations

import asyncio
import base64
import itertools
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# Nothing that a browser does for itself may look like a request of the page.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--remote-debugging-port=0", "--remote-allow-origins=*",
)
START_SECONDS = 30.0
# A browser that is busy answers late; one that crashed never does.
ANSWER_SECONDS = 60.0
_VIOLATIONS = ("window.violations = []; "
               "addEventListener('securitypolicyviolation', (found) => violations.push(found.violatedDirective));")


def chromium() -> str | None:
    """The program; None where there is none."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@contextmanager
def browser(directory: Path) -> Iterator[str]:
    """A browser of its own, with an empty profile in the directory; the address of its DevTools."""
    program = chromium()
    if program is None:
        raise RuntimeError("Chromium is not installed: apt-get install chromium")
    command = [program, *FLAGS, f"--user-data-dir={directory}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield _address(directory, process)
    finally:
        process.terminate()
        process.wait()


def _address(directory: Path, process: subprocess.Popen[bytes]) -> str:
    port, deadline = directory / "DevToolsActivePort", time.monotonic() + START_SECONDS
    while not (port.exists() and len(port.read_text().splitlines()) == 2):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Chromium did not start: exit code {process.poll()}")
        time.sleep(0.05)
    number, path = port.read_text().splitlines()
    return f"ws://127.0.0.1:{number}{path}"


class Page:
    """One open page. `problems` are console errors, exceptions, and requests to anywhere but the page's own file."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.problems: list[str] = []
        self._socket, self._numbers = socket, itertools.count(1)
        self._session: str | None = None
        self._url = ""
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()

    async def read(self) -> None:
        """Takes every message of the browser until the connection closes."""
        async for message in self._socket:
            found = message.json()
            if (answer := self._answers.pop(found.get("id", 0), None)) is not None:
                answer.set_result(found)
            else:
                self._note(found.get("method", ""), found.get("params", {}))

    def _note(self, method: str, facts: dict[str, Any]) -> None:
        if method == "Page.loadEventFired":
            self._loaded.set()
        elif method == "Runtime.exceptionThrown":
            self.problems.append(f"exception: {facts['exceptionDetails']}")
        elif method == "Runtime.consoleAPICalled" and facts["type"] in ("error", "warning", "assert"):
            self.problems.append(f"console: {facts['args']}")
        elif method == "Log.entryAdded" and facts["entry"]["level"] in ("error", "warning"):
            self.problems.append(f"log: {facts['entry']['text']}")
        elif method == "Network.requestWillBeSent" and facts["request"]["url"].split("#")[0] != self._url:
            self.problems.append(f"request: {facts['request']['url']}")

    async def send(self, method: str, **facts: Any) -> dict[str, Any]:
        """One command and its result."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        session = {} if self._session is None else {"sessionId": self._session}
        await self._socket.send_json({"id": number, "method": method, "params": facts, **session})
        async with asyncio.timeout(ANSWER_SECONDS):
            found = await answer
        if "error" in found:
            raise RuntimeError(f"{method}: {found['error']}")
        result: dict[str, Any] = found.get("result", {})
        return result

    async def open(
        self, page: Path | str, width: int = 1300, height: int = 900, *, dark: bool = False, scripts: bool = True,
    ) -> None:
        """Loads the page of a file or at a URL; without `scripts` as a browser does that runs none."""
        target = await self.send("Target.createTarget", url="about:blank")
        attached = await self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        url = page if isinstance(page, str) else page.resolve().as_uri()
        self._session, self._url = attached["sessionId"], url.partition("#")[0]
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.send(f"{domain}.enable")
        await self.send("Page.addScriptToEvaluateOnNewDocument", source=_VIOLATIONS)
        await self.size(width, height)
        await self.media(dark=dark)
        await self.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        await self.send("Page.navigate", url=url)
        await self._loaded.wait()

    async def size(self, width: int, height: int) -> None:
        """Of the window; up to 600 pixels it is a phone."""
        await self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                        mobile=width <= 600)

    async def media(self, dark: bool = False, on_paper: bool = False) -> None:
        """What the reader prefers, and whether the page is on paper."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.send("Emulation.setEmulatedMedia", media="print" if on_paper else "screen", features=[scheme])

    async def value(self, expression: str) -> Any:
        """What an expression has in the page."""
        found = await self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(f"{expression}: {found['exceptionDetails']}")
        return found["result"].get("value")

    async def press(self, key: str, text: str = "") -> None:
        """One key on what has the focus."""
        await self.send("Input.dispatchKeyEvent", type="keyDown", key=key, text=text)
        await self.send("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def drag(self, x: float, y: float, to: float) -> None:
        """With the left button, from (x, y) to (to, y)."""
        for kind, at, buttons in (("mouseMoved", x, 0), ("mousePressed", x, 1), ("mouseMoved", (x + to) / 2, 1),
                                  ("mouseMoved", to, 1), ("mouseReleased", to, 0)):
            await self.send("Input.dispatchMouseEvent", type=kind, x=at, y=y, button="left" if kind != "mouseMoved" else
                            "none", buttons=buttons, clickCount=1 if kind != "mouseMoved" else 0)

    async def picture(self, clip: dict[str, float] | None = None) -> bytes:
        """PNG of the window, or of a part of the page."""
        more = {} if clip is None else {"clip": {**clip, "scale": 1}, "captureBeyondViewport": True}
        found = await self.send("Page.captureScreenshot", format="png", **more)
        return base64.b64decode(found["data"])

    async def pdf(self) -> bytes:
        """The page on paper."""
        await self.media(on_paper=True)
        return base64.b64decode((await self.send("Page.printToPDF", printBackground=True))["data"])


@asynccontextmanager
async def opened(address: str, where: Path | str, **how: Any) -> AsyncIterator[Page]:
    """The page of a file or at a URL in the browser at that address; `how` as in `Page.open`."""
    async with aiohttp.ClientSession() as client, client.ws_connect(address, max_msg_size=0) as socket:
        page = Page(socket)
        reading = asyncio.create_task(page.read())
        try:
            await page.open(where, **how)
            yield page
        finally:
            reading.cancel()
