"""Words that this project does not use, each with what to write instead: one word per idea, as docs/glossary.md has it.

Searched as whole words in any letter case; identifiers are read as the words that they consist of, so that a name is
found like a sentence. `None` is Python's, so phrases with "none" are searched in prose alone and as they are written,
and not in templates, whose language has the test `is none`. What earlier versions wrote is quoted by its own name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

INSTEAD: dict[str, str] = {
    "told": "reported, shown, stated, says, received (for what was told: held-out, evaluated)",
    "untold": "inconclusive",
    "retold": "reported again",
    "foretold": "predicted",
    "foretell": "predict",
    "anew": "again, new, fresh",
    "honesty": "prediction error, backtest",
    "strangers": "unknown settings, objects of others, other callers",
    "stranger": "unknown setting, somebody else",
    "whoever": "any caller that, a client that",
    "whomsoever": "any client that",
    "for ever": "indefinitely, permanently",
    "spoilt": "invalid, corrupted, invalidated",
    "spoils": "invalidates, corrupts",
    "hangs on": "depends on",
    "hang on": "depend on",
    "be had": "be obtained, is available",
    "wishes": "options",
    "nought": "zero",
    "naught": "zero",
    "aught": "anything",
    "lest": "so that ... not",
    "whilst": "while",
    "thereby": "so, with it",
    "therein": "in it",
    "hence": "so, therefore",
    "thus": "so, in this way",
    "upon": "on, when",
    "oftener": "more often",
    "dearest": "most expensive",
    "deeds": "events",
    "draws lots": "is random",
    "draw lots": "are random",
    "at birth": "at startup",
    "he": "it, the user",
    "his": "its, the user's",
    "him": "it, the user",
    "mend": "fix",
    "mends": "fixes",
    "mended": "fixed",
    "betray": "show, reveal",
    "betrays": "shows, reveals",
    "reckon": "count, assume",
    "reckons": "counts, assumes",
}
IN_PROSE: dict[str, str] = {"is none": "is not one, does not count", "are none": "are not, do not count"}
EARLIER_NAMES = re.compile(r"""(?<=["'`])untold(?=["'`])""")


def _any_of(words: dict[str, str], flags: int) -> re.Pattern[str]:
    """A phrase may be broken over two lines, also of a comment."""
    phrases = (word.replace(" ", r"\s+(?:#\s*)?") for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"\b(?:{'|'.join(phrases)})\b", flags)


ANYWHERE = _any_of(INSTEAD, re.IGNORECASE)
PROSE = re.compile(rf"(?<!there\s){_any_of(IN_PROSE, 0).pattern}")  # "there is none" is plain
JOINT = re.compile(r"_|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def avoided_words(text: str, *, template: bool = False) -> Iterator[str]:
    """For each place a line such as `12: told -> reported, ...`."""
    in_names = JOINT.sub(" ", EARLIER_NAMES.sub("", text))
    for pattern, words, searched in ((ANYWHERE, INSTEAD, in_names), (PROSE, IN_PROSE, "" if template else text)):
        for match in pattern.finditer(searched):
            word = " ".join(match[0].replace("#", " ").split())
            line = searched.count("\n", 0, match.start()) + 1
            yield f"{line}: {word} -> {words[word.lower()]}"
