"""Requests of a given length: a prompt and an answer of a given number of tokens, whatever their content.

The words are 64 English words of three letters: each is one token in Qwen's vocabulary, with and without a space before
it, and with its space four characters, for servers that estimate a token as four. A prompt starts with words that
encode its own id, so that no two start alike and no server finds one in its prefix cache by accident.
"""

import random
from typing import Any

import orjson

from elastometer_loadgen.profile.task import Endpoint
from elastometer_loadgen.stages.trace_file import Size

LETTERS = (
    "theandforarebutnotyouallanycanhadherwasoneouroutdaygethashimhishowmannewnowoldseetwo"
    "waywhoboydiditsletputsayshetoousesuncarredrunbigjobmapkeyboxbusdogeatfarfewfungothot"
    "lawlotlowmetmixoilownpay"
)
WORDS = tuple(LETTERS[at : at + 3] for at in range(0, len(LETTERS), 3))
WIDTH = 4  # a word and its space
# Eleven words of 64 (66 bits) encode any id that a request or a block may have.
NUMBER_WORDS = 11
POOL_WORDS = 65_536
# The block size of Mooncake's `hash_ids` (https://github.com/kvcache-ai/Mooncake).
BLOCK_TOKENS = 512


class SizedText:
    """Text of any number of tokens, the same for the same seed and key."""

    def __init__(self, seed: int) -> None:
        # Made here and not on first use: these 30 ms of work would delay the first request.
        rng = random.Random(f"{seed}/text")
        self._pool = "".join(f"{word} " for word in rng.choices(WORDS, k=POOL_WORDS))

    def text(self, key: int, tokens: int) -> str:
        """`tokens` words, each followed by a space, that start like no other key's."""
        opening = _encoded(key)
        left = max(tokens * WIDTH - len(opening), 0)
        # An odd factor scatters neighbouring keys over the pool (Knuth's multiplicative hash for 16 bits).
        start = WIDTH * (key * 40_503 % POOL_WORDS)
        pool = self._pool
        if start + left <= len(pool):
            rest = pool[start : start + left]
        else:
            rest = (pool[start:] + pool * (left // len(pool) + 1))[:left]
        return (opening + rest)[: tokens * WIDTH]

    def prompt(self, request_id: int, size: Size) -> str:
        """A prompt of the size that starts with the shared blocks and does not end in a space."""
        parts, left = [], size.prompt_tokens
        for block in size.blocks:
            if left <= 0:
                break
            # Odd keys are blocks and even keys are requests, so neither starts like the other.
            parts.append(self.text(2 * block + 1, min(left, BLOCK_TOKENS)))
            left -= BLOCK_TOKENS
        if left > 0:
            parts.append(self.request_text(request_id, left))
        return "".join(parts).rstrip()

    def request_text(self, request_id: int, tokens: int) -> str:
        """A request's own words; they do not end in a space."""
        return self.text(2 * request_id, tokens).rstrip()


def sized_body(model: str | None, endpoint: Endpoint, prompt: str, output_tokens: int) -> bytes:
    """The request for an answer of exactly `output_tokens`: with `ignore_eos` it does not end earlier."""
    body: dict[str, Any] = {"model": model} if model is not None else {}
    if endpoint is Endpoint.COMPLETIONS:
        body["prompt"] = prompt
    else:
        body["messages"] = [{"role": "user", "content": prompt}]
    body |= {"max_tokens": output_tokens, "ignore_eos": True}
    body |= {"stream": True, "stream_options": {"include_usage": True}}
    return orjson.dumps(body)


def _encoded(number: int) -> str:
    words = []
    for _ in range(NUMBER_WORDS):
        number, digit = divmod(number, len(WORDS))
        words.append(WORDS[digit])
    return "".join(f"{word} " for word in words)
