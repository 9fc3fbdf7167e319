"""The heat map by replica in a real browser: colours follow values in both themes, and each cell says what it is."""
from __future__ import annotations

from pathlib import Path

import pytest

from elastometer.judgement import judge
from elastometer.render.html import to_html
from elastometer.world.bundle_reader import load_bundle
from support.browser import chromium, opened

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed: apt-get install chromium"),
    pytest.mark.timeout(120),
]
RECORDED = Path(__file__).parents[1] / "golden/runs/cpu1"
CHART = "page.charts.find((one) => one.root.closest('#heat-waiting'))"
# Of a row at some seconds: the sum of red, green and blue, and how opaque it is.
CELLS = f"""((points) => {{
  const chart = {CHART}, ratio = devicePixelRatio, {{ ctx, bbox }} = chart;
  return points.map(([seconds, row]) => {{
    const x = Math.round(chart.valToPos(seconds, "x", true)), y = Math.round(bbox.top + (row + .5) * bbox.height / 4);
    const [red, green, blue, opaque] = ctx.getImageData(x, y, 1, 1).data;
    return [red + green + blue, opaque];
  }});
}})"""
MOVED = f"""((seconds, row) => {{
  const {{ over, ...chart }} = {CHART}, box = over.getBoundingClientRect();
  const clientX = box.left + {CHART}.valToPos(seconds, "x"), clientY = box.top + (row + .5) * box.height / 4;
  over.dispatchEvent(new PointerEvent("pointermove", {{ clientX, clientY, bubbles: true }}));
  return document.getElementById("tip").textContent;
}})"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_bytes(to_html(judge(load_bundle(RECORDED))))
    return path


@pytest.mark.parametrize("dark", [False, True])
async def test_more_waiting_is_brighter_on_dark_and_darker_on_light_and_nothing_is_drawn_of_an_absent_pod(
    address: str, recorded: Path, dark: bool,
):
    """At 75 s some 25 requests wait on the first replica and few on the second, which was not there at 30 s."""
    async with opened(address, recorded, dark=dark) as page:
        busy, calm, empty = await page.value(f"{CELLS}([[75, 0], [75, 1], [30.5, 1]])")
        assert (busy[1], calm[1], empty[1]) == (255, 255, 0)
        assert busy[0] > calm[0] + 100 if dark else busy[0] < calm[0] - 100


async def test_a_cell_says_its_pod_its_time_and_its_value(address: str, recorded: Path):
    async with opened(address, recorded) as page:
        text = await page.value(f"{MOVED}(75, 0)")
        pod, value = text.split("\n")
        assert pod.startswith("demo-cpu-server-")
        assert int(value.split(": ")[1].removesuffix(" waiting")) > 10
        assert (await page.value(f"{MOVED}(30, 3)")).endswith("not scraped")


async def test_the_heat_map_has_a_table_for_those_who_do_not_see_it(address: str, recorded: Path):
    async with opened(address, recorded) as page:
        rows = "document.querySelectorAll('section:has(> #replicas) > details tbody tr').length"
        assert await page.value(rows) == 4
        assert await page.value("document.getElementById('heat-waiting').getAttribute('aria-label')") == "Waiting"
        assert await page.value("document.getElementById('heat-waiting').tabIndex") == 0
