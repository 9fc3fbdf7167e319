"""The pages in a real browser: they draw, obey their own policy, ask for nothing, and are used without a mouse.

Needs Chromium (`apt-get install chromium`); without it every test here is skipped and says so.
"""
from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from elastometer.cli.main import main as elastometer
from elastometer.judgement import judge
from elastometer.model.report import Report
from elastometer.render.html import to_html
from elastometer.world.bundle_reader import load_bundle
from support.browser import chromium, opened
from support.many_pods import many_pods

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="Chromium is not installed: apt-get install chromium"),
    pytest.mark.timeout(120),
]
RECORDED = Path(__file__).parents[1] / "golden/runs/cpu1"
HOSTILE = "<img src=x onerror=alert(1)><script>window.hacked=1</script> \" ' </script> {{7*7}} \u202e"
DRAWN = """[...document.querySelectorAll("canvas")].map((canvas) => {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let drawn = 0;
  for (let i = 3; i < data.length; i += 4) drawn += data[i] > 0;
  return [canvas.closest("[id]")?.id || canvas.parentElement.className, drawn];
})"""
VIEWS = "page.charts.map((chart) => [chart.scales.x.min, chart.scales.x.max].join(' '))"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory, judge(load_bundle(RECORDED)))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory, judge(many_pods(200)))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A what-if page."""
    path = tmp_path_factory.mktemp("page")
    assert elastometer(["what-if", str(RECORDED), "--search", "--candidates", "12", "--out", str(path)]) in (0, 1)
    return path / "what-if.html"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    report = judge(many_pods(60))
    return written(tmp_path_factory, replace(
        report, test=HOSTILE, namespace=HOSTILE, model=HOSTILE, provenance=((HOSTILE, HOSTILE),),
        cold_starts=tuple(replace(one, pod=f"{HOSTILE}{at}", node=HOSTILE, image=HOSTILE,
                                  phases=tuple(replace(phase, label=HOSTILE, note=HOSTILE) for phase in one.phases))
                          for at, one in enumerate(report.cold_starts)),
        scale_events=tuple(replace(one, writer=HOSTILE, reason=HOSTILE) for one in report.scale_events),
        scale_ins=tuple(replace(one, pod=HOSTILE) for one in report.scale_ins)))


def written(factory: pytest.TempPathFactory, report: Report) -> Path:
    path = factory.mktemp("page") / "report.html"
    path.write_bytes(to_html(report))
    return path


@pytest.mark.parametrize("name", ["recorded", "many", "hostile", "asked"])
@pytest.mark.parametrize("dark", [False, True])
async def test_a_page_draws_every_chart_asks_for_nothing_and_obeys_its_policy(
    address: str, request: pytest.FixtureRequest, name: str, dark: bool,
):
    async with opened(address, request.getfixturevalue(name), dark=dark) as page:
        drawn = await page.value(DRAWN)
        assert drawn
        assert [chart for chart, pixels in drawn if pixels < 100] == []
        assert await page.value("document.documentElement.dataset.theme") == ("dark" if dark else "light")
        assert await page.value("violations") == []
        assert page.problems == []


async def test_the_policy_is_on(address: str, recorded: Path):
    async with opened(address, recorded) as page:
        await page.value("document.body.insertAdjacentHTML('beforeend', '<p id=\"p\" style=\"color: red\">x</p>')")
        await page.value("{ const made = document.createElement('script'); made.textContent = 'window.ran = 1'; "
                         "document.body.append(made); }")
        assert await page.value("window.ran === undefined")
        await page.value("fetch('http://127.0.0.1:9/').catch(() => 0)")
        assert {"style-src-attr", "script-src-elem", "connect-src"} <= set(await page.value("violations"))


async def test_a_drag_on_one_chart_zooms_all_and_a_double_click_shows_the_whole_run(address: str, recorded: Path):
    async with opened(address, recorded) as page:
        before = await page.value(VIEWS)
        left, top, width, height = await page.value(
            "(() => { document.querySelector('#chart-load').scrollIntoView({block: 'center', behavior: 'instant'});"
            " const box = document.querySelector('#chart-load .u-over').getBoundingClientRect();"
            " return [box.left, box.top, box.width, box.height]; })()")
        await page.drag(left + width * .3, top + height / 2, left + width * .6)
        views = await page.value(VIEWS)
        assert len(set(views)) == 1
        assert set(views).isdisjoint(before)
        await page.value("document.getElementById('reset').click()")
        assert await page.value(VIEWS) == before


async def test_a_chart_is_used_by_keyboard_and_reads_its_values(address: str, recorded: Path):
    async with opened(address, recorded) as page:
        whole = await page.value(VIEWS)
        await page.value("document.getElementById('chart-replicas').focus()")
        says = "document.querySelector('#chart-replicas ~ [role=status]').textContent"
        for _ in range(3):
            await page.press("ArrowRight")
        spoken = await page.value(says)
        assert "Ready " in spoken
        assert "serving " in spoken
        await page.press("ArrowRight")
        assert await page.value(says) != spoken
        await page.press("+", "+")
        near = await page.value(VIEWS)
        assert len(set(near)) == 1
        low, high = map(float, near[0].split())
        first, last = map(float, whole[0].split())
        assert high - low == pytest.approx((last - first) / 2)
        assert "in view" in await page.value(says)
        await page.press("Home")
        assert await page.value(VIEWS) == whole
        assert page.problems == []


async def test_every_chart_is_a_table_too_which_follows_the_zoom(address: str, recorded: Path):
    async with opened(address, recorded) as page:
        assert await page.value("document.querySelectorAll('details[data-chart]').length === page.charts.length")
        table = "document.querySelector('details[data-chart=chart-load]')"
        await page.value(f"new Promise((done) => {{ {table}.addEventListener('toggle', done); {table}.open = true; }})")
        rows = f"[...{table}.querySelectorAll('tr')].map((row) => row.innerText)"
        whole = await page.value(rows)
        assert whole[0].split() == ["at", "planned", "offered", "served", "not", "served"]
        assert 10 < len(whole) <= 41
        await page.value("run.zoom(20, 40)")
        assert (await page.value(rows))[1:] != whole[1:]
        assert await page.value("[...document.querySelectorAll('.chart canvas')].every((one) => "
                                "one.closest('.chart').getAttribute('aria-label'))")


async def test_the_search_finds_one_pod_of_many_with_its_phases(address: str, many: Path):
    async with opened(address, many) as page:
        search = "document.querySelector('[data-table=pods]')"
        await page.value(f"{search}.querySelector('input').focus()")
        await page.value("document.execCommand('insertText', false, 'm-server-137 node-5')")
        assert await page.value(f"{search}.querySelector('.found').textContent") == "1 found"
        row = await page.value(f"[...{search}.querySelectorAll('tbody td')].map((cell) => cell.innerText)")
        assert row[0] == "m-server-137"
        assert await page.value(f"{search}.querySelectorAll('.lane .bar rect').length") > 1
        await page.value(f"{search}.querySelector('input').select()")
        await page.value("document.execCommand('insertText', false, '\"scale-out 1\" node-5')")
        rows = await page.value(f"[...{search}.querySelectorAll('tbody tr')].map((row) => row.innerText)")
        assert rows
        assert all("scale-out 1" in row and "node-5" in row for row in rows)
        assert page.problems == []


async def test_hostile_text_stays_text_in_the_page_and_in_its_search(address: str, hostile: Path):
    async with opened(address, hostile) as page:
        await page.value("document.querySelector('[data-table=pods] input').focus()")
        await page.value("document.execCommand('insertText', false, '<img')")
        assert "60 found" in await page.value("document.querySelector('[data-table=pods] .found').textContent")
        assert await page.value("document.querySelectorAll('img, iframe, object, embed').length") == 0
        assert await page.value("document.querySelectorAll('script').length") == 3
        assert await page.value("window.hacked === undefined")
        assert page.problems == []


@pytest.mark.parametrize("name", ["recorded", "many", "asked"])
async def test_a_phone_shows_the_page_without_scrolling_sideways(
    address: str, request: pytest.FixtureRequest, name: str,
):
    async with opened(address, request.getfixturevalue(name), width=390, height=800) as page:
        assert await page.value("document.documentElement.scrollWidth") <= 390


async def test_paper_has_room_for_bars_and_tables(address: str, recorded: Path):
    """The width of A4 within its margins, on which the layout of a phone would leave the bars a fifth of the line."""
    async with opened(address, recorded, width=718) as page:
        await page.media(on_paper=True)
        shares = await page.value("""[...document.querySelectorAll('.strip')].map((one) => one.querySelector('.lane')
            .getBoundingClientRect().width / one.getBoundingClientRect().width)""")
        assert shares
        assert min(shares) > 0.5
        assert await page.value("document.documentElement.scrollWidth") <= 718


@pytest.mark.parametrize("name", ["recorded", "many"])
async def test_a_phone_shows_the_widest_tables_in_blocks_of_named_cells(
    address: str, request: pytest.FixtureRequest, name: str,
):
    async with opened(address, request.getfixturevalue(name), width=390, height=800) as page:
        tables = await page.value("""[...document.querySelectorAll('.stacked')].map((one) => [
            one.closest('.scroll').scrollWidth <= one.closest('.scroll').clientWidth,
            [...one.querySelectorAll('tbody td:not(.title)')].every((cell) => cell.dataset.label &&
                getComputedStyle(cell, '::before').content === JSON.stringify(cell.dataset.label))])""")
        assert (len(tables) >= 3) is (name == "recorded"), "elasticity, other supplies, resources"
        assert all(fits and named for fits, named in tables)


async def test_a_phone_shows_each_mark_of_a_scale_event_beside_the_others(
    address: str, tmp_path_factory: pytest.TempPathFactory,
):
    """Where events are a few pixels apart, one label goes below the other."""
    flaps = written(tmp_path_factory, judge(load_bundle(RECORDED.parent / "honest-pods-a")))
    async with opened(address, flaps, width=390, height=800) as page:
        boxes = await page.value("""(() => {
          const found = [], write = CanvasRenderingContext2D.prototype.fillText;
          CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
            if (/^[+−][0-9]+$/.test(text) && this.canvas.closest('#chart-replicas'))
              found.push([x, y, x + this.measureText(text).width, y + 11 * devicePixelRatio]);
            return write.apply(this, arguments);
          };
          page.charts.forEach((chart) => chart.redraw(false, true));
          return new Promise((done) => setTimeout(() => done(found), 100));
        })()""")
        assert len(boxes) >= 8
        for number, (left, top, right, bottom) in enumerate(boxes):
            for x, y, to, down in boxes[:number]:
                assert right <= x or to <= left or bottom <= y or down <= top, (boxes[number], (x, y, to, down))


async def test_paper_has_what_is_under_details_once_and_of_starts_the_slowest(address: str, recorded: Path):
    async with opened(address, recorded) as page:
        hidden = "[...document.querySelectorAll('details{} .scroll')].filter((one) => !one.checkVisibility()).length"
        unlike = ":not(.brief, [data-chart])"
        assert await page.value(hidden.format(unlike)) > 0
        await page.media(on_paper=True)
        await page.value("dispatchEvent(new Event('beforeprint'))")
        assert await page.value(hidden.format(unlike)) == 0
        assert await page.value("document.querySelectorAll('details[data-chart] tbody tr').length") == 0
        starts = "[...document.querySelectorAll('#cold-starts ~ details')]"
        assert await page.value(f"{starts}.length") == 4
        assert await page.value(f"{starts}.filter((one) => one.open).length") == 1
        assert await page.value(f"{starts}.every((one) => one.querySelector('summary').checkVisibility())")
        assert "report.json" in await page.value("document.querySelector('.paper-note').innerText")
        await page.value("dispatchEvent(new Event('afterprint'))")
        assert await page.value("document.querySelectorAll('details[open]').length") == 0


@pytest.mark.parametrize("name", ["recorded", "many"])
async def test_paper_takes_at_most_fourteen_sheets(address: str, request: pytest.FixtureRequest, name: str):
    async with opened(address, request.getfixturevalue(name)) as page:
        sheets = len(re.findall(rb"/Type /Page\b", await page.pdf()))
        assert 3 <= sheets <= 14


async def test_each_key_of_the_legend_of_candidates_has_a_colour_of_its_own(address: str, asked: Path):
    async with opened(address, asked) as page:
        colours = await page.value("""[...document.querySelectorAll("section:has(> #pareto) .legend i")].map(
          (key) => getComputedStyle(key).backgroundColor)""")
    assert len(colours) == len(set(colours)) == 5
    assert "rgba(0, 0, 0, 0)" not in colours
