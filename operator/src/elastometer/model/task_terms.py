"""What the tasks of a test demand of their answers, read out of its spec; tolerant, for a bundle may be partial."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from elastometer.model.document import Document, documents_at, spec_of, text_at
from elastometer_loadgen.base.template import CANARY_FIELD, TemplateFault, fields_of
from elastometer_loadgen.checks.check import CheckType
from elastometer_loadgen.checks.crosstalk import SHAPES
from elastometer_loadgen.checks.parse import turns_between


@dataclass(frozen=True, slots=True)
class TaskTerms:
    """One task. `is_marked` if its prompts carry their request's mark; `is_exact` if it asks for exactly as many tokens
    as its limit. `recall_turns` is how many turns before the question the fact of its check Recall was given, 1 for the
    one before it; None without such a check, and where the test wrote all answers in between."""

    name: str
    checks: frozenset[str] = frozenset()
    is_marked: bool = False
    is_exact: bool = False
    recall_turns: int | None = None

    @property
    def has_shape(self) -> bool:
        """Whether its answers are complete in themselves: a label, or JSON."""
        return any(kind.value in self.checks for kind in SHAPES)


def task_terms(test: Document) -> Mapping[str, TaskTerms]:
    """By name, from an ElasticityTest or its `spec` alone."""
    found = (_task(task) for task in documents_at(spec_of(test), "load", "tasks"))
    return {one.name: one for one in found}


def _task(task: Document) -> TaskTerms:
    checks = documents_at(task, "checks")
    contents = _contents(task)
    facts = (text_at(check, "fact") for check in checks if text_at(check, "type") == CheckType.RECALL.value)
    return TaskTerms(
        name=text_at(task, "name") or "",
        checks=frozenset(kind for check in checks if (kind := text_at(check, "type")) is not None),
        is_marked=any(_has_mark(content) for content in contents if content is not None),
        is_exact=task.get("ignoreEndOfText") is True,
        recall_turns=next((turns_between(fact, contents) for fact in facts if fact), None),
    )


def _contents(task: Document) -> Sequence[str | None]:
    """Of its messages, None for the model's own answers; a prompt is one message."""
    prompt = text_at(task, "prompt")
    if prompt is not None:
        return [prompt]
    return [None if one.get("generated") is True else text_at(one, "content") or ""
            for one in documents_at(task, "messages")]


def _has_mark(content: str) -> bool:
    try:
        return CANARY_FIELD in fields_of(content)
    except TemplateFault:
        return False
