"""The rows of the data sets of `all-in-one`, from texts.yaml."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

GLAD, SAD = "正面", "负面"
MOOD_WORDS = {
    GLAD: ("开心", "喜欢", "满意", "太棒了", "感动", "放松"),
    SAD: ("难过", "失望", "糟糕", "心烦", "生气", "扫兴"),
}
# A sentence that is longer is cut at the end of its last whole clause.
CUT_CHARACTERS = 50
# Beyond that, the document says, answers get slower and worse.
LONG_CHARACTERS = 60
CLAUSE_ENDS = "，。！？；"

_TEXTS = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
GLAD_TEXTS, SAD_TEXTS, CHAT_TEXTS = (tuple(_TEXTS[name]) for name in ("glad", "sad", "chat"))
# What is no natural language, with a sentence in it.
MARKUP = {
    "html": '<div class="c"><p>{text}</p><br/></div>', "json": '{{"id": 17, "comment": "{text}", "lang": "zh"}}',
    "code": 'print("{text}")  # TODO: i18n',
}


def whole_clauses(text: str) -> str:
    """The text up to the end of the last clause within CUT_CHARACTERS; just cut where there is no such end."""
    if len(text) <= CUT_CHARACTERS:
        return text
    end = max(text.rfind(mark, 0, CUT_CHARACTERS) for mark in CLAUSE_ENDS)
    return text[: end + 1] if end >= 0 else text[:CUT_CHARACTERS]


def rows_of_lengths() -> Iterator[dict[str, str]]:
    """Rows of 15 to 120 characters, whole and cut, and the same short sentences within markup."""
    for row in (*_TEXTS["short"], *_TEXTS["long"]):
        yield _row("sentence" if len(row["text"]) <= LONG_CHARACTERS else "long", row["mood"], row["text"])
    for kind, form in MARKUP.items():
        for row in _TEXTS["short"]:
            yield _row(kind, row["mood"], form.format(text=row["text"]))


def _row(kind: str, mood: str, text: str) -> dict[str, str]:
    return {"kind": kind, "mood": mood, "text": text, "cut": whole_clauses(text)}
