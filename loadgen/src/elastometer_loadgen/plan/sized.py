"""Requests of a given length: a prompt of so many tokens, an answer of so many, whatever they say.

The words are 64 English ones of three letters: each is one token in Qwen's vocabulary, with and without a space before
it, and four characters where a token is reckoned as four. A prompt opens with words that spell its own number, so that
no two begin alike and no server finds it in its prefix cache by chance.
"""

import random
from typing import Any

import orjson

from elastometer_loadgen.profile.task import Endpoint
from elastometer_loadgen.profile.traces import Size

LETTERS = (
    "theandforarebutnotyouallanycanhadherwasoneouroutdaygethashimhishowmannewnowoldseetwo"
    "waywhoboydiditsletputsayshetoousesuncarredrunbigjobmapkeyboxbusdogeatfarfewfungothot"
    "lawlotlowmetmixoilownpay"
)
WORDS = tuple(LETTERS[at : at + 3] for at in range(0, len(LETTERS), 3))
WIDTH = 4  # a word and its space
# Eleven words of 64 spell any number that a request or a block may have.
NUMBER_WORDS = 11
POOL_WORDS = 65_536
# Mooncake hashes its prompts in blocks of so many tokens.
BLOCK_TOKENS = 512


class SizedText:
    """Text of any number of tokens, the same for the same seed and key."""

    def __init__(self, seed: int) -> None:
        # Made at once: 30 ms of work that must not fall on the first request.
        chance = random.Random(f"{seed}/text")
        self._pool = "".join(f"{word} " for word in chance.choices(WORDS, k=POOL_WORDS))

    def text(self, key: int, tokens: int) -> str:
        """`tokens` words, each with a space behind it, that begin like no other key's."""
        opening = _spelled(key)
        left = max(tokens * WIDTH - len(opening), 0)
        start = WIDTH * (key * 40_503 % POOL_WORDS)
        pool = self._pool
        if start + left <= len(pool):
            rest = pool[start : start + left]
        else:
            rest = (pool[start:] + pool * (left // len(pool) + 1))[:left]
        return (opening + rest)[: tokens * WIDTH]

    def prompt(self, request_id: int, size: Size) -> str:
        """A prompt of the size, with the shared blocks in front; no space at its end."""
        parts, left = [], size.prompt_tokens
        for block in size.blocks:
            if left <= 0:
                break
            # Odd keys are blocks and even ones requests: neither begins like the other.
            parts.append(self.text(2 * block + 1, min(left, BLOCK_TOKENS)))
            left -= BLOCK_TOKENS
        if left > 0:
            parts.append(self.text(2 * request_id, left))
        return "".join(parts).rstrip()


def sized_body(model: str | None, endpoint: Endpoint, prompt: str, output_tokens: int) -> bytes:
    """The request for an answer of exactly so many tokens: `ignore_eos` lets none end before."""
    body: dict[str, Any] = {"model": model} if model is not None else {}
    if endpoint is Endpoint.COMPLETIONS:
        body["prompt"] = prompt
    else:
        body["messages"] = [{"role": "user", "content": prompt}]
    body |= {"max_tokens": output_tokens, "ignore_eos": True}
    body |= {"stream": True, "stream_options": {"include_usage": True}}
    return orjson.dumps(body)


def _spelled(number: int) -> str:
    words = []
    for _ in range(NUMBER_WORDS):
        number, digit = divmod(number, len(WORDS))
        words.append(WORDS[digit])
    return "".join(f"{word} " for word in words)
