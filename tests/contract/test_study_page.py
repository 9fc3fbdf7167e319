"""The page of a study in a real browser: it draws, obeys its policy, asks for nothing, and lets the reader choose.

Needs Chromium (`apt-get install chromium`); without it every test here is skipped and says so.
"""
from __future__ import annotations

import json
from pathlib import Path

import pytest

from elastometer.model.comparison import Comparison
from elastometer.render.study.files import render_study
from support.browser import Page, chromium, opened
from support.study_worlds import compared, many, study
from support.study_worlds import hostile as hostile_study

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed: apt-get install chromium"),
    pytest.mark.timeout(120),
]
HOSTILE = "<img src=x onerror=alert(1)><script>window.hacked=1</script> \" ' </script> {{7*7}} \u202e"
CANVASES = """[...document.querySelectorAll("canvas")].map((canvas) => {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let drawn = 0;
  for (let i = 3; i < data.length; i += 4) drawn += data[i] > 0;
  return drawn;
})"""
QUEUE = ("(() => { const row = [...document.querySelectorAll('.result-table tbody tr')].find((one) => "
         "one.querySelector('b').textContent === 'queue');"
         " return [...row.cells].slice(1).map((cell) => cell.innerText.replace(/\\s+/g, ' ')); })()")
DOTS = "[...document.querySelectorAll('#strips .dots circle')].map((one) => one.getAttribute('cx'))"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_of(tmp_path_factory, study())


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_of(tmp_path_factory, compared())


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_of(tmp_path_factory, many(20, 3))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_of(tmp_path_factory, hostile_study(HOSTILE))


def page_of(factory: pytest.TempPathFactory, comparison: Comparison) -> Path:
    path = factory.mktemp("page") / "report.html"
    path.write_bytes(render_study(comparison)["report.html"])
    return path


async def ready(page: Page) -> None:
    """Once the script has unpacked its data."""
    await page.value("study.then(() => true)")


async def choose(page: Page, which: str, text: str) -> None:
    """As a reader does: the option of that text."""
    await page.value(f"""(() => {{
      const select = document.getElementById({which!r});
      select.value = [...select.options].find((one) => one.textContent === {text!r}).value;
      select.dispatchEvent(new Event("change"));
    }})()""")


async def is_drawn(page: Page, marks: str) -> bool:
    """Whether the marks of a chart have pixels: its picture is another one without them."""
    box = await page.value(
        f"(() => {{ const box = document.querySelector({marks!r}).closest('figure').getBoundingClientRect();"
        " return {x: box.left, y: box.top + scrollY, width: box.width, height: box.height}; })()")
    picture = await page.picture(box)
    await page.value(f"document.querySelectorAll({marks!r}).forEach((one) => {{ one.style.visibility = 'hidden'; }})")
    return picture != await page.picture(box)


@pytest.mark.parametrize("name", ["written", "judged", "large", "hostile"])
@pytest.mark.parametrize("dark", [False, True])
async def test_a_study_draws_every_chart_asks_for_nothing_and_obeys_its_policy(
    address: str, request: pytest.FixtureRequest, name: str, dark: bool,
):
    async with opened(address, request.getfixturevalue(name), dark=dark) as page:
        await ready(page)
        drawn = await page.value(CANVASES)
        assert len(drawn) >= 3
        assert min(drawn) > 100
        assert await is_drawn(page, "#pareto circle")
        assert await is_drawn(page, "#pareto .whisker")
        assert await is_drawn(page, "#strips circle")
        assert await page.value("document.documentElement.dataset.theme") == ("dark" if dark else "light")
        assert await page.value("violations") == []
        assert page.problems == []


async def test_the_policy_of_a_study_is_on(address: str, written: Path):
    async with opened(address, written) as page:
        await page.value("{ const made = document.createElement('script'); made.textContent = 'window.ran = 1'; "
                         "document.body.append(made); }")
        await page.value("fetch('http://127.0.0.1:9/').catch(() => 0)")
        assert await page.value("window.ran === undefined")
        assert {"script-src-elem", "connect-src"} <= set(await page.value("violations"))


async def test_another_baseline_changes_every_difference_and_says_so(address: str, written: Path):
    async with opened(address, written) as page:
        await ready(page)
        before = await page.value(QUEUE)
        assert before[0].endswith("Better −23.3 s (−38 %) −36.3 to −10.3 s")
        await choose(page, "baseline", "always-three")
        after = await page.value(QUEUE)
        assert after[0].startswith("38 s 33.3 to 43.3 s Worse +33.3 s")
        assert after[1].split(" ", 4)[-1].startswith("Better −449 (−50 %)")
        assert await page.value("document.getElementById('says').textContent") == \
            "Differences are to always-three now."
        assert await page.value("[...document.querySelectorAll('.to')].every((one) => "
                                "one.textContent === 'always-three')")
        await choose(page, "baseline", "queue")
        assert {one.split()[-1] for one in await page.value(QUEUE)} == {"baseline"}
        await choose(page, "baseline", "cpu")
        assert await page.value(QUEUE) == before
        assert page.problems == []


async def test_what_the_script_writes_is_what_the_template_wrote_with_the_reason(address: str, judged: Path):
    shown = "[...{}.querySelectorAll('[data-difference]')].map((one) => [one.className.trim(), " \
            "one.textContent.replace(/\\s+/g, ' ').trim()].join('|'))"
    async with opened(address, judged) as page:
        await ready(page)
        template = "new DOMParser().parseFromString(source, 'text/html')"
        await page.value(f"window.source = {json.dumps(judged.read_text())}")
        written = await page.value(shown.format(template))
        assert len(written) > 50
        assert await page.value(shown.format("document")) == written
        await choose(page, "baseline", "queue")
        assert await page.value(shown.format("document")) != written
        await choose(page, "baseline", "cpu")
        assert await page.value(shown.format("document")) == written
        reasons = await page.value("[...document.querySelectorAll('.difference.WithinNoise')].map((one) => one.title)")
        assert {"the interval includes 0"} == set(reasons)


async def test_without_javascript_the_tables_are_there_and_nothing_asks_for_a_choice(address: str, written: Path):
    async with opened(address, written, scripts=False) as page:
        assert await page.value("[...document.querySelectorAll('.control, .chart, #strips, #chart-keys')].every("
                                "(one) => !one.checkVisibility())")
        assert (await page.value(QUEUE))[0].endswith("Better −23.3 s (−38 %) −36.3 to −10.3 s")
        assert "need JavaScript" in await page.value("document.querySelector('.multiples + noscript').textContent")


async def test_another_measure_moves_the_dots_which_are_one_for_each_run(address: str, written: Path):
    async with opened(address, written) as page:
        await ready(page)
        misses = await page.value(DOTS)
        assert len(misses) == 14
        await choose(page, "measure", "Cold start p50")
        starts = await page.value(DOTS)
        assert len(starts) == 11
        assert starts != misses[:11]
        assert await page.value("document.getElementById('strips-title').textContent") == \
            "Cold start p50, lower is better"
        assert "no Pod was added by a scale-out" in await page.value("document.getElementById('strips').innerText")


async def test_a_point_and_a_lane_are_read_by_keyboard(address: str, written: Path):
    async with opened(address, written) as page:
        await ready(page)
        await page.value("document.querySelector('#pareto g').focus()")
        assert "Objective-miss seconds" in await page.value("document.getElementById('tip').textContent")
        await page.press("Escape")
        assert await page.value("document.getElementById('tip').hidden")
        await page.value("document.querySelector('#strips .dots').focus()")
        assert await page.value("document.activeElement.getAttribute('aria-label')") == \
            "repetition 1: 61 s, repetition 2: 58 s, repetition 3: 66 s"


async def test_every_table_has_a_caption_and_names_its_columns_and_rows(address: str, written: Path):
    async with opened(address, written) as page:
        tables = "[...document.querySelectorAll('main table')].filter((one) => !one.closest('.chart, [data-chart]'))"
        assert await page.value(f"{tables}.length") > 10
        assert await page.value(f"{tables}.every((one) => one.caption && one.caption.textContent.trim())")
        assert await page.value(f"{tables}.every((one) => [...one.tHead.rows[0].cells].every((cell) => "
                                "cell.localName === 'th' && cell.scope === 'col'))")
        assert await page.value(f"{tables}.every((one) => [...one.tBodies[0].rows].every((row) => "
                                "row.querySelector('th[scope=row]')))")


async def test_the_patch_is_copied_as_text(address: str, written: Path):
    async with opened(address, written) as page:
        await ready(page)
        await page.value("document.querySelector('.copy').click()")
        assert await page.value("document.querySelector('.copy').textContent") in ("Copied", "Selected")
        assert "minReplicas: 2" in await page.value("getSelection().toString()")


async def test_hostile_names_stay_text_also_where_the_script_writes_them(address: str, hostile: Path):
    async with opened(address, hostile) as page:
        await ready(page)
        await page.value("{ const one = document.getElementById('baseline'); one.value = '1'; "
                         "one.dispatchEvent(new Event('change')); }")
        assert "<img" in await page.value("document.getElementById('says').textContent")
        assert await page.value("document.querySelectorAll('img, iframe, object, embed').length") == 0
        assert await page.value("document.querySelectorAll('script').length") == 3
        assert await page.value("window.hacked === undefined")


@pytest.mark.parametrize("name", ["written", "judged", "large", "hostile"])
async def test_a_phone_shows_a_study_without_scrolling_sideways(
    address: str, request: pytest.FixtureRequest, name: str,
):
    async with opened(address, request.getfixturevalue(name), width=390, height=800) as page:
        await ready(page)
        assert await page.value("document.documentElement.scrollWidth") <= 390


async def test_paper_has_room_for_the_tables_of_a_study_and_opens_what_is_folded(address: str, written: Path):
    async with opened(address, written, width=718) as page:
        await ready(page)
        await page.media(on_paper=True)
        await page.value("dispatchEvent(new Event('beforeprint'))")
        assert await page.value("document.documentElement.scrollWidth") <= 718
        assert await page.value("[...document.querySelectorAll('.measures details')].every((one) => one.open)")
        assert await page.value("getComputedStyle(document.querySelector('.control')).display") == "none"
