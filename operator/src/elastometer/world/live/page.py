"""The live page: one file that polls the live view of its run and loads nothing else.

It holds no data and needs no token: the token stands in the fragment of its address, which a browser sends to no
server, and the page's script sends it as the header of each poll.
"""
from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

_HERE = Path(__file__).parent


def live_page() -> bytes:
    """The page with its style and its script inside."""
    page = _text("page.html")
    for mark, name in (("@style@", "page.css"), ("@script@", "page.js")):
        page = page.replace(mark, _text(name))
    return page.encode()


def live_headers() -> Mapping[str, str]:
    """The headers of the page. A browser may run this script, apply this style, and ask this operator: nothing else."""
    script, style = _digest("page.js"), _digest("page.css")
    policy = (f"default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; connect-src 'self'; "
              "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
    return {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy, "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _digest(name: str) -> str:
    return base64.b64encode(hashlib.sha256(_text(name).encode()).digest()).decode()
