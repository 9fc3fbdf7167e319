"""The arrivals of a load profile: the generator's own schedule and its own draws, before anything is sent."""
from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache

import orjson

from elastometer.model.document import documents_at, text_at
from elastometer.twin.scenario import Arrival
from elastometer_loadgen.plan.prompts import PromptSource
from elastometer_loadgen.plan.schedule import compute_schedule
from elastometer_loadgen.profile.profile import Profile

# A rule of thumb for English text, and what a chat template adds; a tokenizer is not asked.
CHARACTERS_PER_TOKEN = 4
MESSAGE_TOKENS = 4
TEMPLATE_TOKENS = 3
PROMPT_RULE = "a token of a prompt is 4 characters, a chat message 4 more"
ANSWER_RULE = "every answer is as long as maximumTokens lets it be"


def planned_arrivals(profile: Profile) -> tuple[Arrival, ...]:
    """Instants as the generator would send them; output tokens are the `max_tokens` that it would ask for."""
    schedule, source = compute_schedule(profile), PromptSource(profile)
    found = []
    for number, at in enumerate(schedule.times):
        body = orjson.loads(source.prompt(number).body)
        stage = bisect_right(schedule.first_ids, number) - 1
        found.append(Arrival(at, _prompt_tokens(body), body["max_tokens"], stage))
    return tuple(found)


def _prompt_tokens(body: object) -> int:
    prompt = text_at(body, "prompt")
    if prompt is not None:
        return _text_tokens(prompt)
    return TEMPLATE_TOKENS + sum(
        MESSAGE_TOKENS + _text_tokens(text_at(one, "role") or "") + _text_tokens(text_at(one, "content") or "")
        for one in documents_at(body, "messages")
    )


@lru_cache(maxsize=1024)
def _text_tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)
