"""The arrivals of a load profile: the load generator's own schedule and draws, before anything is sent."""
from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache

import orjson

from elastometer.model.document import documents_at, text_at
from elastometer.twin.scenario import Arrival
from elastometer_loadgen.plan.prompts import PromptSource
from elastometer_loadgen.plan.schedule import compute_schedule
from elastometer_loadgen.profile.profile import Profile

# A rule of thumb for English text, and what a chat template adds. No tokenizer is loaded.
CHARACTERS_PER_TOKEN = 4
MESSAGE_TOKENS = 4
TEMPLATE_TOKENS = 3
PROMPT_RULE = "one token per 4 characters, and 4 more per chat message"
ANSWER_RULE = "every answer is as long as maximumTokens allows"


def planned_arrivals(profile: Profile) -> tuple[Arrival, ...]:
    """The instants at which the generator would send; output tokens are the `max_tokens` that it would request."""
    schedule = compute_schedule(profile)
    source = PromptSource(profile, first_ids=schedule.first_ids)
    found = []
    for number, at in enumerate(schedule.times):
        prompt = source.prompt(number)
        body = orjson.loads(prompt.body)
        stage = bisect_right(schedule.first_ids, number) - 1
        found.append(Arrival(at, prompt_tokens(body), body["max_tokens"], stage, prompt.task))
    return tuple(found)


def prompt_tokens(body: object) -> int:
    """Of a request's body, by estimate."""
    prompt = text_at(body, "prompt")
    if prompt is not None:
        return text_tokens(prompt)
    return TEMPLATE_TOKENS + sum(
        MESSAGE_TOKENS + text_tokens(text_at(message, "role") or "") + text_tokens(text_at(message, "content") or "")
        for message in documents_at(body, "messages")
    )


@lru_cache(maxsize=1024)
def text_tokens(text: str) -> int:
    """Of one text, by estimate."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)
