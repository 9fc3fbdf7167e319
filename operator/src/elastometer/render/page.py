"""A page as one HTML file: style, script, chart library and data inside, nothing from the network.

A content security policy forbids everything outside the file, and every script and style but those with the listed
hashes. An attribute `style` has no effect under it, so lengths are attributes of SVG. Foreign text goes through the
template's escaping, and data for the script is JSON that cannot end its element.
"""
from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from elastometer.render.wording import numbers

HERE = Path(__file__).parent
_QUOTED = re.compile(r"`([^`]+)`")


def environment() -> Environment:
    """The environment of every template, with the filters that all share."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )
    made.filters.update(
        duration=numbers.duration, figure=numbers.figure, stamp=numbers.stamp, instant=numbers.instant,
        number=numbers.number, counts=numbers.counts, metric=numbers.metric, quoted=quoted, sentence=sentence,
    )
    made.globals.update(dash=numbers.DASH)
    return made


def frame(scripts: Sequence[str], styles: Sequence[str], data: object) -> Mapping[str, Markup]:
    """What every page's template needs: `policy`, `style`, `library`, `script` and `data`. The scripts, files of the
    templates folder, become one."""
    library, script = _asset("vendor/uPlot.js"), "".join(_asset(f"templates/{name}") for name in scripts)
    style = "".join(_asset(name) for name in ("vendor/uPlot.css", *(f"templates/{name}" for name in styles)))
    return {
        "style": Markup(style), "library": Markup(library), "script": Markup(script), "data": Markup(_embedded(data)),
        "policy": Markup(_policy((library, script), style)),
    }


def _policy(scripts: Sequence[str], style: str) -> str:
    """What a browser may do for the page: run these scripts, apply this style, and nothing else. No connection, no
    image, no frame, no form."""
    hashes = " ".join(f"'sha256-{_digest(text)}'" for text in scripts)
    return (f"default-src 'none'; script-src {hashes}; style-src 'sha256-{_digest(style)}'; base-uri 'none'; "
            "form-action 'none'")


def _asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _embedded(data: object) -> str:
    """ASCII JSON without the three characters that mean something to an HTML parser."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def quoted(text: str) -> Markup:
    """Escaped text in which words between backticks become code."""
    return Markup(_QUOTED.sub(r"<code>\1</code>", str(escape(text))))


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
