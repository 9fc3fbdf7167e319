"""Makes the pictures of the docs, so that they show what the pages are today: from the recorded run in tests/golden,
and from the reports of live runs in docs/gallery.

`make screenshots`, or `python docs/screenshots.py [PICTURE ...]`. Needs Chromium.
"""
from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from elastometer.cli.main import main as elastometer  # noqa: E402
from support.browser import Page, browser, opened  # noqa: E402 - the tests' browser is not installed

IMAGES, GALLERY = ROOT / "docs/images", ROOT / "docs/gallery"
RECORDED = ROOT / "tests/golden/runs/cpu1"
OBJECTIVE = "{name: first-token, indicator: TimeToFirstToken, percentile: 95, maximumMilliseconds: 4000}"
WIDTH = 1262


@dataclass(frozen=True, slots=True)
class Picture:
    """A part of a page, which lies with the others or has a path of its own: from the top of one element to the bottom
    of another, at most `height` pixels."""

    page: str
    first: str
    last: str
    height: int
    margin: int = 10


PICTURES = {
    "report": Picture("report.html", "header", "#chart-queue", 1440),
    "autoscaler": Picture("report.html", "section:has(> #autoscaler)", "section:has(> #autoscaler)", 930),
    "replicas": Picture("report.html", "section:has(> #replicas)", "#heat-running", 620),
    "study": Picture(f"{GALLERY}/all-in-one.html", "section:has(#result)", "section:has(> .bar-head #charts)", 1900),
    "all-in-one": Picture(f"{GALLERY}/all-in-one.html", "header", "section:has(> #levels)", 2000),
    "limits": Picture(f"{GALLERY}/limits.html", "section:has(> #levels)", "section:has(> #by-input)", 1900),
    "cloud-autoscale": Picture(f"{GALLERY}/cloud-autoscale.html", "header", "section:has(> #scale-out-gains)", 3000),
    "what-if": Picture("what-if.html", "header", "section:has(> #pareto)", 2438),
}


async def take(page: Page, picture: Picture) -> bytes:
    """PNG, at the width of the docs."""
    box = await page.value(f"""(() => {{
      const top = document.querySelector({picture.first!r}).getBoundingClientRect().top + scrollY;
      return [top, document.querySelector({picture.last!r}).getBoundingClientRect().bottom + scrollY];
    }})()""")
    top, bottom = max(0, box[0] - picture.margin), box[1] + picture.margin
    return await page.picture({"x": 0, "y": top, "width": WIDTH, "height": min(bottom - top, picture.height)})


async def shoot(address: str, pages: Path, names: Sequence[str]) -> None:
    """Writes the pictures of these names."""
    for name in names:
        picture = PICTURES[name]
        async with opened(address, pages / picture.page, width=WIDTH) as page:
            await page.value("typeof study === 'undefined' || study.then(() => true)")
            (IMAGES / f"{name}.png").write_bytes(await take(page, picture))
            print(f"docs/images/{name}.png")


def main(names: Sequence[str]) -> None:
    """Judges the run, asks what would have helped it, and takes the pictures."""
    with tempfile.TemporaryDirectory() as directory:
        pages = Path(directory)
        elastometer(["judge", str(RECORDED), "--out", directory])
        if any(PICTURES[name].page == "what-if.html" for name in names):
            elastometer(["what-if", str(RECORDED), "--search", "--objective", OBJECTIVE, "--out", directory])
        with browser(pages / "profile") as address:
            asyncio.run(shoot(address, pages, names))


if __name__ == "__main__":
    main(sys.argv[1:] or list(PICTURES))
