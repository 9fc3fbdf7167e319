"""A bar of a scale-out in a real browser: by keyboard and by pointer it opens the rows that it was made from."""
from __future__ import annotations

from pathlib import Path

import pytest

from elastometer.analysis.analyze import judge
from elastometer.render.html import to_html
from elastometer.world.bundle_reader import load_bundle
from support.browser import chromium, opened
from support.synthetic.run import write_run

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed: apt-get install chromium"),
    pytest.mark.timeout(120),
]
LINK = "document.querySelectorAll('.so-link')[4]"
OPENED = "[document.activeElement.id, document.activeElement.closest('details').open]"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("page") / "report.html"
    found.write_bytes(to_html(judge(load_bundle(write_run(tmp_path_factory.mktemp("run"))))))
    return found


async def test_a_click_on_a_bar_opens_its_row(address: str, path: Path):
    async with opened(address, path) as page:
        await page.value(f"{LINK}.dispatchEvent(new MouseEvent('click', {{bubbles: true, cancelable: true}}))")
        target = await page.value(f"{LINK}.getAttribute('href').slice(1)")
        assert await page.value(OPENED) == [target, True]
        assert page.problems == []


async def test_the_keyboard_reaches_a_bar_and_opens_its_row(address: str, path: Path):
    async with opened(address, path) as page:
        await page.value(f"{LINK}.focus()")
        assert await page.value(f"document.activeElement === {LINK}")
        await page.press("Enter")
        target = await page.value(f"{LINK}.getAttribute('href').slice(1)")
        assert await page.value(OPENED) == [target, True]
        assert await page.value("violations") == []


async def test_each_bar_has_pixels_and_lies_in_its_lane(address: str, path: Path):
    async with opened(address, path) as page:
        widths = await page.value("[...document.querySelectorAll('.so-link rect')].map((one) => "
                                  "one.getBoundingClientRect().width)")
        assert len(widths) > 60
        assert min(widths) >= 1
