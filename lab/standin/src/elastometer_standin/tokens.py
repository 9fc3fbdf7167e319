"""What counts as a token here, and the words of an answer. Pure and deterministic.

The rule: a text of n characters has ceil(n / 4) tokens; a chat message costs 4 tokens of template more, and the
template itself 3. One piece of an answer is one token; the end-of-text token has no text.
"""

import hashlib
import json
import random
import re
from dataclasses import dataclass
from typing import Any

CHARACTERS_PER_TOKEN = 4
MESSAGE_OVERHEAD_TOKENS = 4
TEMPLATE_TOKENS = 3

CANARY = re.compile(r"\[REQ-[A-Za-z0-9_.-]{1,64}\]")
"""A mark which a client puts into its prompt to see that the answer is its own."""
FACT = re.compile(r"Remember: ([^.\n]+)")
"""How a prompt gives a fact that the answer is to repeat."""

_ONSETS = ("b", "br", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "st", "t", "tr", "v")
_RIMES = ("a", "en", "o", "ir", "ul", "ea", "on", "i", "am", "er", "ou", "es")
_RING_SIZE = 4096
MAX_SCHEMA_DEPTH = 32
"""Deeper parts of a schema are answered with null."""


def _ring() -> tuple[str, ...]:
    """A fixed endless-looking text, cut into tokens; an answer is a stretch of it."""
    source = random.Random(20261121)
    words: list[str] = []
    for index in range(_RING_SIZE):
        word = "".join(source.choice(_ONSETS) + source.choice(_RIMES) for _ in range(source.randint(1, 3)))
        stop = "." if index % 13 == 12 else ""
        words.append(f" {word}{stop}")
    return tuple(words)


RING = _ring()


def count_text_tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def count_chat_tokens(messages: list[tuple[str, str]]) -> int:
    """Tokens of (role, content) pairs under the template."""
    return TEMPLATE_TOKENS + sum(
        MESSAGE_OVERHEAD_TOKENS + count_text_tokens(role) + count_text_tokens(content) for role, content in messages
    )


def request_key(prompt: str, seed: int | None) -> int:
    """64 bits that stand for (prompt, seed): whatever is drawn for a request is drawn from them."""
    digest = hashlib.blake2b(f"{seed}\0{prompt}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


@dataclass(frozen=True, slots=True)
class Answer:
    """The pieces of one answer in order, and whether it ends by itself or is cut."""

    pieces: tuple[str, ...]
    cut: bool
    """True: max_tokens ended it (`length`). False: the last token is the end-of-text one (`stop`)."""

    @property
    def tokens(self) -> int:
        return len(self.pieces)


def natural_tokens(key: int, mean: int) -> int:
    """How long the answer to this request would be if nobody cut it: 0.5 to 1.5 of the mean."""
    return max(2, round(mean * (0.5 + (key >> 16) % 1024 / 1023)))


def write_answer(
    prompt: str, key: int, *, max_tokens: int, mean: int, min_tokens: int = 0, ignore_eos: bool = False
) -> Answer:
    """Word-like text; the prompt's canary, where it has one, is the first token, and its facts are the next."""
    wanted = max_tokens if ignore_eos else max(natural_tokens(key, mean), min_tokens + 1)
    length = min(wanted, max_tokens)
    cut = ignore_eos or wanted > max_tokens
    words = length if cut else length - 1
    start = key % _RING_SIZE
    laps = (start + words) // _RING_SIZE + 1
    pieces = (RING * laps)[start : start + words] if laps > 1 else RING[start : start + words]
    canary = CANARY.search(prompt)
    facts = tuple(piece for fact in FACT.findall(prompt) for piece in cut_up(f" {fact}."))
    lead = (*((canary.group(),) if canary else ()), *facts)
    pieces = (*lead, *pieces[len(lead) :])[:words]
    return Answer(pieces if cut else (*pieces, ""), cut)


def write_json_answer(prompt: str, key: int, schema: dict[str, Any] | None, max_tokens: int) -> Answer:
    """Valid JSON in pieces of four characters; cut, and so broken, only where max_tokens is too small."""
    canary = CANARY.search(prompt)
    value = instance_of(schema, key) if schema else {"answer": RING[key % _RING_SIZE].strip()}
    if canary and isinstance(value, dict) and not schema:
        value["request"] = canary.group()
    return spell(json.dumps(value), max_tokens)


def cut_up(text: str) -> tuple[str, ...]:
    """The text in tokens of four characters."""
    return tuple(text[i : i + CHARACTERS_PER_TOKEN] for i in range(0, len(text), CHARACTERS_PER_TOKEN))


def spell(text: str, max_tokens: int) -> Answer:
    """An answer that says just this, or its beginning where max_tokens is too small."""
    pieces = cut_up(text)
    if len(pieces) + 1 > max_tokens:
        return Answer(pieces[:max_tokens], cut=True)
    return Answer((*pieces, ""), cut=False)


def instance_of(schema: dict[str, Any], key: int, depth: int = 0) -> Any:
    """A small value that fits a plain JSON schema (type, enum, const, properties, items)."""
    if "const" in schema:
        return schema["const"]
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[key % len(choices)]
    if depth > MAX_SCHEMA_DEPTH:
        return None
    match schema.get("type", "object" if "properties" in schema else "string"):
        case "object":
            properties = schema.get("properties")
            fields = properties if isinstance(properties, dict) else {}
            return {name: instance_of(part, key, depth + 1) for name, part in fields.items() if isinstance(part, dict)}
        case "array":
            items = schema.get("items")
            return [instance_of(items, key, depth + 1)] if isinstance(items, dict) else []
        case "integer" | "number":
            minimum = schema.get("minimum", 0)
            return max(0, minimum) if isinstance(minimum, int | float) else 0
        case "boolean":
            return bool(key & 1)
        case "null":
            return None
        case _:
            return RING[key % _RING_SIZE].strip().rstrip(".")
