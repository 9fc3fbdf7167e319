"""Text of others stays text in every file of a study, whatever it is."""
from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

from hypothesis import example, given
from hypothesis import strategies as st

from elastometer.render.study.files import render_study
from support.study_worlds import NAMES, hostile

NASTY = ("</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "` | [x](http://evil) </details>",
         "{{ 7*7 }}", "\x00\x1b[31m", "\u2028\u202e", "\"' onfocus=alert(1) x=\"", "\n# heading\n", "-->", "]]>",
         "<td>", "&lt;")
TEXTS = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(NASTY), max_size=4).map("".join))


class Elements(HTMLParser):
    """Names of all elements, of attributes that could run something, and all links."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.handlers: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name in ("src", "srcset", "style")]
        self.links += [value or "" for name, value in attrs if name == "href"]


def elements(content: bytes) -> Elements:
    parser = Elements()
    parser.feed(content.decode())
    return parser


# Words between backticks are code in every sentence.
CLEAN = elements(render_study(hostile("`x`"))["report.html"])


@given(TEXTS)
@example("".join(NASTY))
def test_no_text_adds_an_element_a_handler_or_a_foreign_link_to_the_page(text: str):
    found = elements(render_study(hostile(text))["report.html"])
    assert set(found.names) <= set(CLEAN.names)
    assert found.names.count("script") == CLEAN.names.count("script") == 3
    assert found.handlers == []
    assert all(re.fullmatch(r"#[a-z-]+|runs/[\w.~%-]+/report\.html", one) for one in found.links)


@given(TEXTS)
@example("".join(NASTY))
def test_no_text_is_markup_in_markdown_or_breaks_its_tables(text: str):
    lines = render_study(hostile(text))["report.md"].decode().split("\n")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202a-\u202e]", "".join(lines))
    outside = [re.sub(r"`[^`]*`", "", line) for line in lines if not line.startswith("    ")]
    elements = [found for line in outside for found in re.findall(r"(?<!\\)<[^>]*>", line)]
    assert set(elements) <= {"<details>", "</details>", "<summary>", "</summary>"}
    assert elements.count("<details>") == elements.count("</details>") == sum(line.startswith("<details>")
                                                                              for line in lines)
    columns = [len(re.findall(r"(?<!\\)\|", line)) for line in lines if line.startswith("|")]
    assert set(columns) <= {5, 6, 7, 8, 9}
    assert len([line for line in lines if line.startswith("#")]) == 2


@given(TEXTS)
@example("".join(NASTY))
def test_json_and_junit_are_well_formed_whatever_the_text_is(text: str):
    files = render_study(hostile(text))
    assert json.loads(files["report.json"])["study"] == text
    suite = ElementTree.fromstring(files["junit.xml"])
    assert len(suite.findall("testcase")) == 3 + len(NAMES[:3])
