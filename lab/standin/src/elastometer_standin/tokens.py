"""What counts as a token here, and the text of answers. Pure and deterministic.

The rule: a text of n characters has ceil(n / 4) tokens; each chat message adds 4 tokens of template, and the template
itself 3. One piece of an answer is one token; the end-of-text token has no text. A rule and not a tokenizer, so that
the expected number of tokens can be computed by hand.
"""

import hashlib
import random
from dataclasses import dataclass
from functools import cache

from elastometer_standin.answers.readings import CANARY, facts

CHARACTERS_PER_TOKEN = 4
MESSAGE_OVERHEAD_TOKENS = 4
TEMPLATE_TOKENS = 3

_ONSETS = ("b", "br", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "st", "t", "tr", "v")
_RIMES = ("a", "en", "o", "ir", "ul", "ea", "on", "i", "am", "er", "ou", "es")
_RING_SIZE = 4096


def _ring() -> tuple[str, ...]:
    """A fixed text of invented words, cut into tokens; an answer is a section of it, which goes on at its beginning.

    Made once at import, so that composing an answer is a slice and not a loop.
    """
    source = random.Random(20261121)  # any number: it only has to be the same on every replica and in every version
    words: list[str] = []
    for index in range(_RING_SIZE):
        word = "".join(source.choice(_ONSETS) + source.choice(_RIMES) for _ in range(source.randint(1, 3)))
        stop = "." if index % 13 == 12 else ""
        words.append(f" {word}{stop}")
    return tuple(words)


RING = _ring()


def count_text_tokens(text: str) -> int:
    """Tokens of a text: a quarter of its characters, rounded up."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def count_chat_tokens(messages: list[tuple[str, str]]) -> int:
    """Tokens of (role, content) pairs, with the chat template's."""
    return TEMPLATE_TOKENS + sum(
        MESSAGE_OVERHEAD_TOKENS + count_text_tokens(role) + count_text_tokens(content) for role, content in messages
    )


def request_key(prompt: str, seed: int | None) -> int:
    """64 bits that stand for (prompt, seed): everything random about a request follows from them."""
    # "surrogatepass": JSON may carry lone surrogates, which plain UTF-8 refuses to encode.
    digest = hashlib.blake2b(f"{seed}\0{prompt}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


@dataclass(frozen=True, slots=True)
class Answer:
    """The pieces of one answer in order, and whether it comes to its end or is cut off."""

    pieces: tuple[str, ...]
    cut: bool
    """True: max_tokens ends it (`length`). False: its last token is the end-of-text token (`stop`)."""

    @property
    def tokens(self) -> int:
        """Generated tokens, the end-of-text token included."""
        return len(self.pieces)


def natural_tokens(key: int, mean: int) -> int:
    """How long the answer to this request is unless it is cut: 0.5 to 1.5 of the mean, and at least 2.

    It uses other bits of the key than the place in the ring, so that length and text are independent.
    """
    return max(2, round(mean * (0.5 + (key >> 16) % 1024 / 1023)))


def write_answer(
    prompt: str, key: int, *, max_tokens: int, mean: int, min_tokens: int = 0, ignore_eos: bool = False
) -> Answer:
    """Invented words. The prompt's canary, where it has one, is the first token, and its facts follow."""
    # One more than min_tokens, because the end-of-text token does not count towards it.
    wanted = max_tokens if ignore_eos else max(natural_tokens(key, mean), min_tokens + 1)
    length = min(wanted, max_tokens)
    if ignore_eos or wanted > max_tokens:
        return Answer(words(prompt, key, length), cut=True)
    return ending_answer(prompt, key, length)


def ending_answer(prompt: str, key: int, length: int) -> Answer:
    """Invented words of exactly this many tokens, the end-of-text token included."""
    return Answer((*words(prompt, key, length - 1), ""), cut=False)


def words(prompt: str, key: int, count: int) -> tuple[str, ...]:
    """So many tokens of text, with the prompt's canary and its facts at the beginning."""
    start = key % len(RING)
    pieces = RING[start : start + count]
    if len(pieces) < count:
        pieces += RING[: min(start, count - len(pieces))]
    lap = 1
    while len(pieces) < count:
        pieces += _lap(lap)[: count - len(pieces)]
        lap += 1
    canary = CANARY.search(prompt)
    stated = tuple(piece for fact in facts(prompt) for piece in split_into_tokens(f" {fact}"))
    # They take the place of words, so that an answer's length does not depend on marks and facts.
    lead = (*((canary.group(),) if canary else ()), *stated)
    return (*lead, *pieces[len(lead) :])[:count]


@cache
def _lap(number: int) -> tuple[str, ...]:
    """The ring in another order each time round: an answer longer than the ring must not repeat itself."""
    # An odd step visits every place of a ring whose size is a power of two.
    step = 2 * number + 1
    return tuple(RING[index * step % len(RING)] for index in range(len(RING)))


def split_into_tokens(text: str) -> tuple[str, ...]:
    """The text in pieces of four characters, which are one token each."""
    return tuple(text[i : i + CHARACTERS_PER_TOKEN] for i in range(0, len(text), CHARACTERS_PER_TOKEN))


def verbatim_answer(text: str, max_tokens: int) -> Answer:
    """An answer with exactly this text, or with its beginning where max_tokens is too small."""
    pieces = split_into_tokens(text)
    if len(pieces) + 1 > max_tokens:
        return Answer(pieces[:max_tokens], cut=True)
    return Answer((*pieces, ""), cut=False)
