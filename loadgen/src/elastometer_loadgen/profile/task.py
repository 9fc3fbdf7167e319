"""One kind of request: its prompt, its data, its sampling, the checks of its answers."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from elastometer_loadgen.base.fields import Fault, Fields, shown
from elastometer_loadgen.base.spans import NO_THINKING, THINKING, Span, decimal_span, integer_span
from elastometer_loadgen.base.template import CANARY_FIELD, TemplateFault, fields_of
from elastometer_loadgen.checks.check import CheckType
from elastometer_loadgen.checks.parse import TaskChecks, parse_checks
from elastometer_loadgen.profile.dataset import DataFile, RequiredFields, Row, missing_fields, parse_dataset
from elastometer_loadgen.profile.messages import MAX_TEXT_CHARACTERS, Message, Role, parse_messages
from elastometer_loadgen.profile.sampling import Sampling, parse_sampling

TASK_FIELDS = (
    "name", "weight", "messages", "prompt", "thinkTimeSeconds", "dataset", "maximumTokens", "sampling",
    "responseFormat", "checks", "inputTokens", "ignoreEndOfText", "groupBy",
)
MAX_TOKENS = 1_000_000
DEFAULT_MAX_TOKENS = 128
MAX_FIELD_CHARACTERS = 128
# What a request's input may come from.
SOURCES = ("messages", "prompt", "inputTokens")


class Endpoint(StrEnum):
    """Which of the OpenAI-compatible endpoints receives the requests."""

    CHAT_COMPLETIONS = "ChatCompletions"
    COMPLETIONS = "Completions"


class ResponseFormat(StrEnum):
    """The format that requests demand by the field `response_format`."""

    TEXT = "Text"
    JSON_OBJECT = "JSONObject"
    JSON_SCHEMA = "JSONSchema"


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of request.

    `messages` is the chat form, with a plain prompt as one user message; `needs` are the fields that its templates use
    from each row. In a conversation, `think` is the time between an answer and the next turn.
    """

    name: str
    weight: int
    messages: tuple[Message, ...]
    think: Span
    dataset: tuple[Row, ...]
    maximum_tokens: Span
    sampling: Sampling
    response_format: ResponseFormat
    checks: TaskChecks
    file: DataFile | None = None
    """The file to read the rows from; `dataset` is empty until then."""
    needs: tuple[RequiredFields, ...] = ()
    input_tokens: Span | None = None
    """The length of its prompts where they are generated; it has no messages then."""
    ignore_end_of_text: bool = False
    group_by: str | None = None
    """The field of its data whose value goes into the record."""

    @property
    def turns(self) -> int:
        """How many requests the task takes: one more than it has generated answers."""
        return 1 + sum(message.content is None for message in self.messages)


def default_task() -> Task:
    """What is sent when a profile names no task: short poems on several themes, so that prompts differ."""
    themes = ("autumn", "the sea", "a night train", "bread", "an old radio", "first snow", "the desert")
    return Task(
        name="default",
        weight=1,
        messages=(Message(Role.USER, "Write a short poem about {{ theme }}."),),
        think=NO_THINKING,
        dataset=tuple({"theme": theme} for theme in themes),
        maximum_tokens=Span(Fraction(DEFAULT_MAX_TOKENS), Fraction(DEFAULT_MAX_TOKENS)),
        sampling=Sampling({}),
        response_format=ResponseFormat.TEXT,
        checks=TaskChecks(),
    )


def parse_task(value: object, path: str, endpoint: Endpoint, faults: list[Fault]) -> Task:
    """One entry of `tasks`; faults are appended, never raised."""
    fields = Fields(value, path, faults, TASK_FIELDS)
    messages = _messages(fields, endpoint)
    dataset, file = parse_dataset(fields)
    generates = fields.has("inputTokens")
    # A generated prompt holds no fact that an answer could recall, as a single message holds none.
    checks = parse_checks(fields, [""] if generates else [message.content for message in messages])
    group_by = fields.text("groupBy", MAX_FIELD_CHARACTERS, default=None) if fields.has("groupBy") else None
    needs = (*_needs(fields, _contents(fields, messages), {CANARY_FIELD}), *_check_needs(fields, checks),
             *_group_need(fields, group_by))
    rows = ((f"{fields.at('dataset')}.inline[{index}]", row) for index, row in enumerate(dataset))
    faults.extend(Fault(*lack) for lack in missing_fields(rows, needs))
    return Task(
        name=fields.name(),
        weight=fields.integer("weight", 1, 1_000_000, default=1),
        messages=messages,
        think=_think(fields, messages),
        dataset=dataset,
        file=file,
        needs=needs,
        maximum_tokens=integer_span(fields, "maximumTokens", 1, MAX_TOKENS, default=DEFAULT_MAX_TOKENS),
        input_tokens=integer_span(fields, "inputTokens", 1, MAX_TOKENS) if generates else None,
        ignore_end_of_text=_ignore_end_of_text(fields, checks),
        group_by=group_by,
        sampling=parse_sampling(fields),
        response_format=_response_format(fields, checks),
        checks=checks,
    )


def _messages(fields: Fields, endpoint: Endpoint) -> tuple[Message, ...]:
    if sum(map(fields.has, SOURCES)) != 1:
        fields.fault("messages", "must be given, or prompt or inputTokens instead, but only one of them")
        return ()
    if fields.has("inputTokens"):
        if fields.has("dataset"):
            fields.fault("dataset", "must be absent where inputTokens is given: a generated prompt holds no data")
        return ()
    if fields.has("prompt"):
        return (Message(Role.USER, fields.text("prompt", MAX_TEXT_CHARACTERS, default=None)),)
    if endpoint is Endpoint.COMPLETIONS:
        fields.fault("messages", "must be absent with endpoint Completions; write prompt")
        return ()
    return parse_messages(fields)


def _think(fields: Fields, messages: tuple[Message, ...]) -> Span:
    if fields.has("thinkTimeSeconds") and all(message.content is not None for message in messages):
        fields.refuse("thinkTimeSeconds", "be absent where no message is generated: it lies between turns")
    return decimal_span(fields, "thinkTimeSeconds", *THINKING) or NO_THINKING


def _ignore_end_of_text(fields: Fields, checks: TaskChecks) -> bool:
    ignored = fields.flag("ignoreEndOfText")
    if ignored and any(check.type is CheckType.TRUNCATION for check in checks.checks):
        fields.refuse("ignoreEndOfText", "be absent with a check of type Truncation: each answer ends at its limit")
    return ignored


def _response_format(fields: Fields, checks: TaskChecks) -> ResponseFormat:
    """The format to demand; the schema is the one that the answer is checked against."""
    wanted = fields.choice("responseFormat", ResponseFormat, default=ResponseFormat.TEXT)
    if wanted is ResponseFormat.JSON_SCHEMA and not checks.has_schema:
        fields.refuse("responseFormat", "come with a check of type JSONSchema, whose schema it sends")
    return wanted


def _needs(
    fields: Fields, templates: Iterable[tuple[str, str]], without_data: Set[str] = frozenset()
) -> Iterator[RequiredFields]:
    """The fields that the templates use from the data."""
    for path, content in templates:
        try:
            wanted = fields_of(content) - without_data
        except TemplateFault as fault:
            fields.faults.append(Fault(path, f"must {fault}; got {shown(content)}"))
            continue
        if wanted and not fields.has("dataset"):
            rule = f"must come with a dataset that has these fields: {', '.join(sorted(wanted))}; dataset is absent"
            fields.faults.append(Fault(path, rule))
        yield RequiredFields(path, wanted)


def _check_needs(fields: Fields, checks: TaskChecks) -> Iterator[RequiredFields]:
    for need in _needs(fields, checks.templates):
        yield replace(need, plain=need.path in checks.plain)


def _group_need(fields: Fields, group_by: str | None) -> Iterator[RequiredFields]:
    if group_by is None:
        return
    if not fields.has("dataset"):
        fields.refuse("groupBy", "come with a dataset that has this field")
    yield RequiredFields(fields.at("groupBy"), frozenset({group_by}))


def _contents(fields: Fields, messages: tuple[Message, ...]) -> Iterator[tuple[str, str]]:
    if fields.has("prompt"):
        yield from ((fields.at("prompt"), message.content or "") for message in messages)
        return
    for index, message in enumerate(messages):
        if message.content is not None:
            yield f"{fields.at('messages')}[{index}].content", message.content
