"""Text of others stays text in every file of the report."""
from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from elastometer.analysis.analyze import judge
from elastometer.cli.judge import in_words
from elastometer.model.answers import AnswerRow
from elastometer.model.autoscaler import AutoscalerAccount, SyncMismatch
from elastometer.model.bundle import Bundle
from elastometer.model.knee import Knee
from elastometer.model.price import Amount, Price
from elastometer.model.report import Report, Verdict
from elastometer.model.terms import Terms
from elastometer.render.files import render_all
from elastometer.render.html import to_html
from elastometer.render.json_report import to_json
from elastometer.render.junit import to_junit
from elastometer.render.markdown import to_markdown
from elastometer.render.wording.numbers import duration
from elastometer.world.bundle_reader import load_bundle
from support.synthetic.answers import write_answers
from support.synthetic.run import write_run

GOLDEN = Path(__file__).parents[2] / "golden"
HOSTILE = "</script><img src=x onerror=alert(1)> `|[x](http://evil)| {{ 7*7 }} \x00\x1b[31m \u2028 </table>"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The run without checks, and beside it what was found in answers and by a Knee in another."""
    looked_at = judge(load_bundle(write_answers(tmp_path_factory.mktemp("answers"))))
    assert looked_at.answers
    assert looked_at.knees
    found = judge(load_bundle(write_run(tmp_path_factory.mktemp("run"))))
    return replace(found, answers=looked_at.answers, knees=looked_at.knees)


@pytest.fixture(scope="module")
def hostile(report: Report) -> Report:
    """The same report with hostile text wherever text comes from outside."""
    band = replace(report.stages[0], name=HOSTILE)
    return replace(
        report, test=HOSTILE, namespace=HOSTILE, model=HOSTILE, stages=(band, *report.stages[1:]),
        verdict=Verdict.FAIL, verdict_reason="LoadIncomplete", verdict_message=HOSTILE,
        objectives=tuple(replace(one, name=HOSTILE, message=HOSTILE) for one in report.objectives),
        findings=tuple(replace(one, evidence=HOSTILE) for one in report.findings),
        scale_events=tuple(replace(one, writer=HOSTILE, reason=HOSTILE, metrics=(HOSTILE,), conditions=(HOSTILE,),
                                   note=HOSTILE) for one in report.scale_events),
        cold_starts=tuple(replace(one, pod=HOSTILE, node=HOSTILE, image=HOSTILE) for one in report.cold_starts),
        load=tuple(replace(one, stage=HOSTILE) for one in report.load),
        provenance=((HOSTILE, HOSTILE),), autoscaler=hostile_account(report.autoscaler),
        answers=tuple(hostile_row(one) for one in report.answers), knees=tuple(map(hostile_knee, report.knees)),
        price=hostile_price(report.price),
    )


def hostile_row(row: AnswerRow) -> AnswerRow:
    return replace(
        row, stage=row.stage and HOSTILE, task=row.task and HOSTILE, check=HOSTILE,
        failures={f"WrongType:{HOSTILE}": 1, HOSTILE: 2},
        examples=tuple(replace(one, failure=HOSTILE, request=HOSTILE) for one in row.examples))


def hostile_price(price: Price | None) -> Price:
    assert price is not None
    reason = Amount(reason=HOSTILE)
    return replace(
        price, demand=HOSTILE, no_gpus=HOSTILE, not_split=HOSTILE + "2",
        alternatives=tuple(replace(one, miss_seconds=None, reason=HOSTILE, miss_reason=HOSTILE)
                           for one in price.alternatives),
        money=replace(price.money, currency=HOSTILE, run=reason, per_month=reason))


def hostile_knee(knee: Knee) -> Knee:
    return replace(knee, stage=HOSTILE, of=HOSTILE,
                   steps=tuple(replace(one, failed=HOSTILE, note=HOSTILE) for one in knee.steps))


def hostile_account(account: AutoscalerAccount) -> AutoscalerAccount:
    assert account.fidelity is not None
    miss = SyncMismatch(15.0, (HOSTILE,), HOSTILE)
    return replace(
        account, name=HOSTILE, fidelity=replace(account.fidelity, misses=(miss,), unknowable=(HOSTILE,)),
        rows=tuple(replace(
            row, metric=HOSTILE, agrees=False, difference=HOSTILE,
            metrics=(*(replace(one, name=HOSTILE) for one in row.metrics),
                     *(replace(one, name=HOSTILE, error=HOSTILE) for one in row.metrics)),
        ) for row in account.rows),
        changes=tuple(replace(
            one, whole=replace(one.whole, reason=HOSTILE),
            losses=tuple(replace(loss, milliseconds=None, source=HOSTILE, reason=HOSTILE) for loss in one.losses),
        ) for one in account.changes))


class Elements(HTMLParser):
    """Names of all elements, and of all attributes that could run something."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name in ("src", "srcset")]


def elements(content: bytes) -> Elements:
    parser = Elements()
    parser.feed(content.decode())
    return parser


def test_hostile_text_adds_no_element_and_no_handler_to_the_html(report: Report, hostile: Report):
    clean, dirty = elements(to_html(report)), elements(to_html(hostile))
    assert set(dirty.names) <= set(clean.names)
    assert dirty.names.count("script") == 3
    assert dirty.handlers == []


def test_the_html_needs_no_network(report: Report):
    text = to_html(report).decode()
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?!#)[a-z/]""", text.split("<script>")[0])
    assert "default-src 'none'" in text
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert len(re.findall(r"'sha256-[A-Za-z0-9+/=]{44}'", policy.group(1))) == 3
    assert "unsafe" not in policy.group(1)
    assert not re.search(r"<[^<>]* style=", text.split("<script>")[0])


def test_the_data_of_the_charts_cannot_end_its_element(hostile: Report):
    text = to_html(hostile).decode()
    data = text.split('id="data">')[1].split("</script>")[0]
    assert "<" not in data
    assert json.loads(data)["stages"][0]["name"] == HOSTILE


def test_markdown_keeps_hostile_text_out_of_markup_and_of_its_tables(report: Report, hostile: Report):
    text = re.sub(r"\[[a-z -]+\]\(#[a-z-]+\)", "", to_markdown(hostile).decode())  # the report's own links
    cells = [cell.strip() for line in text.split("\n") for cell in re.split(r"(?<!\\)\|", line)]
    prose = [cell for cell in cells if not re.fullmatch(r"`[^`]*`(?:, .*)?", cell.removeprefix("Model "))]
    assert any("\\<img" in cell for cell in prose), "hostile text must be there to be tested"
    assert not [cell for cell in prose if re.search(r"(?<!\\)[<\[]", cell)]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202a-\u202e]", text)
    columns = [len(re.findall(r"(?<!\\)\|", line)) for line in text.split("\n") if line.startswith("|")]
    clean = [len(re.findall(r"(?<!\\)\|", line)) for line in to_markdown(report).decode().splitlines()
             if line.startswith("|")]
    assert set(columns) <= set(clean)


def test_junit_is_well_formed_whatever_the_names_hold(hostile: Report):
    suite = ElementTree.fromstring(to_junit(hostile))
    assert suite.findall("testcase")[0].get("name") == HOSTILE.replace("\x00", "\ufffd").replace("\x1b", "\ufffd")


def test_a_terminal_is_shown_hostile_text_without_its_control_characters(hostile: Report):
    lines = in_words(json.loads(to_json(hostile)), hostile.price, Path("run"), None)
    assert any("<img src=x" in line and "answers," in line for line in lines), "hostile text must be there to be tested"
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028]", "".join(lines))


def test_json_is_the_same_bytes_for_the_same_report(report: Report):
    assert to_json(report) == to_json(report)
    assert json.loads(to_json(report))["coldStarts"][1]["origin"] == "ScaleOut"


def suite(report: Report) -> ElementTree.Element:
    return ElementTree.fromstring(to_junit(report))


def test_an_inconclusive_objective_is_an_error_in_junit_and_never_a_skip(report: Report):
    unsure = replace(report.objectives[0], verdict=Verdict.INCONCLUSIVE)
    found = suite(replace(report, verdict=Verdict.INCONCLUSIVE, verdict_reason="ObjectivesUncertain",
                          objectives=(unsure, *report.objectives[1:])))
    counts = [found.get(name) for name in ("tests", "errors", "skipped", "failures")]
    assert counts == ["5", "1", "0", "0"]


def test_a_load_that_fell_behind_is_an_error_of_its_own_in_junit(report: Report):
    found = suite(replace(report, verdict=Verdict.INCONCLUSIVE, verdict_reason="LoadFellBehind"))
    assert (found.get("tests"), found.get("errors")) == ("6", "1")


def test_a_run_without_objectives_is_a_skip_in_junit():
    found = suite(judge(Bundle(terms=Terms(test="bare"))))
    assert (found.get("tests"), found.get("skipped")) == ("1", "1")


def test_an_empty_run_renders_every_file():
    files = render_all(judge(Bundle(terms=Terms())))
    assert set(files) == {"report.json", "report.md", "report.html", "junit.xml"}
    assert "No server Pod was seen." in files["report.html"].decode()


@pytest.mark.parametrize(("milliseconds", "text"), [
    (None, "–"), (0, "0 ms"), (1.0, "1 ms"), (8.25, "8.2 ms"), (412.4, "412 ms"), (9420, "9.42 s"), (11189, "11.2 s"),
    (185_000, "3 min 05 s")])
def test_durations_have_three_digits_and_absence_is_a_dash(milliseconds: float | None, text: str):
    assert duration(milliseconds) == text
