"""What a prompt asks for, in English or in Chinese: its mark, the labels to choose from, facts to remember, JSON. Pure.

Fixed forms and not understanding, so that the author of a prompt knows by hand what the stand-in will answer.
"""

import re
from collections.abc import Mapping, Sequence

CANARY = re.compile(r"\[REQ-[A-Za-z0-9_.-]{1,64}\]")
"""A mark that a client puts into its prompt to verify that the answer is its own."""
_FACT = re.compile(r"Remember: (?P<fact>[^.\n]+)|记住[:：]\s*(?P<chinese>[^。\n]+)")
# A search for plain words is many times faster than one for a pattern with two of them, and most prompts have neither.
_FACT_WORDS, _LABEL_WORDS = ("Remember: ", "记住"), ("one of: ", "之一")
_SUBJECT = re.compile(r"(.+?)(?: is | are |改为|改成|(?:现在)?[是叫])")
_LABELS = re.compile(r"one of: ([^.\n]+)|之一[:：]\s*([^。\n]+)")
_BETWEEN_LABELS = re.compile(r"[,，、]")
_JSON = re.compile(r"json", re.IGNORECASE)

LabelWords = Mapping[str, Sequence[str]]
"""By label, the words that speak for it."""


def facts(prompt: str) -> tuple[str, ...]:
    """The facts to remember, as sentences, in the order in which they are first stated.

    A later fact about the same subject (the text before `is` or `是`) takes the place of the earlier one.
    """
    found: dict[str, str] = {}
    if not any(word in prompt for word in _FACT_WORDS):
        return ()
    for match in _FACT.finditer(prompt):
        fact, chinese = match.group("fact"), match.group("chinese")
        subject = _SUBJECT.match(fact or chinese)
        found[subject.group(1).strip() if subject else fact or chinese] = f"{fact}." if fact else f"{chinese}。"
    return tuple(found.values())


def without_facts(prompt: str) -> str:
    """The prompt as one that asks to remember nothing."""
    return _FACT.sub("", prompt)


def labels(prompt: str) -> list[str]:
    """The labels of which the answer must be one; empty where the prompt lists none."""
    found = _LABELS.search(prompt) if any(word in prompt for word in _LABEL_WORDS) else None
    names = _BETWEEN_LABELS.split(found.group(1) or found.group(2)) if found else []
    return [name.strip() for name in names if name.strip()]


def right_label(names: Sequence[str], prompt: str, question: str, words: LabelWords, key: int) -> str:
    """The label that the words of the question speak for, else the one that the prompt holds, else a fixed one."""
    spoken = {name: sum(question.count(word) for word in words.get(name, ())) for name in names}
    best = max(names, key=lambda name: spoken[name])
    if spoken[best]:
        return best
    # Searched outside the list of labels, which holds them all; else by the key, so that a run can be repeated.
    rest = _LABELS.sub("", prompt).casefold()
    return next((name for name in names if name.casefold() in rest), names[key % len(names)])


def asks_for_json(text: str) -> bool:
    """Whether a prompt speaks of JSON, in any letter case."""
    return _JSON.search(text) is not None
