"""One kind of request: its prompt, its data, its sampling, the checks of its answers."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from elastometer_loadgen.base.fields import Fault, Fields, shown
from elastometer_loadgen.base.spans import NO_THINKING, THINKING, Span, decimal_span, ordered_span
from elastometer_loadgen.base.template import CANARY_FIELD, TemplateFault, fields_of
from elastometer_loadgen.checks.parse import TaskChecks, parse_checks
from elastometer_loadgen.profile.dataset import DataFile, RequiredFields, Row, missing_fields, parse_dataset
from elastometer_loadgen.profile.messages import MAX_TEXT_CHARACTERS, Message, Role, parse_messages

TASK_FIELDS = (
    "name", "weight", "messages", "prompt", "thinkTimeSeconds", "dataset", "maximumTokens", "sampling",
    "responseFormat", "checks",
)
MAX_TOKENS = 1_000_000
DEFAULT_MAX_TOKENS = 128


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
    temperature: Span | None
    top_p: Span | None
    repetition_penalty: Span | None
    response_format: ResponseFormat
    checks: TaskChecks
    file: DataFile | None = None
    """The file to read the rows from; `dataset` is empty until then."""
    needs: tuple[RequiredFields, ...] = ()

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
        temperature=None,
        top_p=None,
        repetition_penalty=None,
        response_format=ResponseFormat.TEXT,
        checks=TaskChecks(),
    )


def parse_task(value: object, path: str, endpoint: Endpoint, faults: list[Fault]) -> Task:
    """One entry of `tasks`; faults are appended, never raised."""
    fields = Fields(value, path, faults, TASK_FIELDS)
    messages = _messages(fields, endpoint)
    dataset, file = parse_dataset(fields)
    checks = parse_checks(fields, [message.content for message in messages])
    needs = (*_needs(fields, _contents(fields, messages), {CANARY_FIELD}), *_needs(fields, checks.templates))
    rows = ((f"{fields.at('dataset')}.inline[{index}]", row) for index, row in enumerate(dataset))
    faults.extend(Fault(*lack) for lack in missing_fields(rows, needs))
    sampling = fields.mapping("sampling", tuple(SAMPLING))
    drawn = {name: decimal_span(sampling, name, *limits) for name, limits in SAMPLING.items()}
    return Task(
        name=fields.name(),
        weight=fields.integer("weight", 1, 1_000_000, default=1),
        messages=messages,
        think=_think(fields, messages),
        dataset=dataset,
        file=file,
        needs=needs,
        maximum_tokens=_token_span(fields),
        temperature=drawn["temperature"],
        top_p=drawn["topP"],
        repetition_penalty=drawn["repetitionPenalty"],
        response_format=_response_format(fields, checks),
        checks=checks,
    )


# vLLM and others accept a topP and a repetitionPenalty above 0 only.
SAMPLING = {"temperature": ("0", "2"), "topP": ("0.000001", "1"), "repetitionPenalty": ("0.000001", "100")}


def _messages(fields: Fields, endpoint: Endpoint) -> tuple[Message, ...]:
    if fields.has("prompt") == fields.has("messages"):
        fields.fault("messages", "must be given, or prompt instead, but not both")
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


def _response_format(fields: Fields, checks: TaskChecks) -> ResponseFormat:
    """The format to demand; the schema is the one that the answer is checked against."""
    wanted = fields.choice("responseFormat", ResponseFormat, default=ResponseFormat.TEXT)
    if wanted is ResponseFormat.JSON_SCHEMA and checks.schema is None:
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


def _contents(fields: Fields, messages: tuple[Message, ...]) -> Iterator[tuple[str, str]]:
    if fields.has("prompt"):
        yield from ((fields.at("prompt"), message.content or "") for message in messages)
        return
    for index, message in enumerate(messages):
        if message.content is not None:
            yield f"{fields.at('messages')}[{index}].content", message.content


def _token_span(fields: Fields) -> Span:
    value = fields.raw("maximumTokens")
    if not isinstance(value, Mapping):
        fixed = fields.integer("maximumTokens", 1, MAX_TOKENS, default=DEFAULT_MAX_TOKENS)
        return Span(Fraction(fixed), Fraction(fixed))
    bounds = fields.mapping("maximumTokens", ("minimum", "maximum"))
    low = bounds.integer("minimum", 1, MAX_TOKENS, default=None)
    high = bounds.integer("maximum", 1, MAX_TOKENS, default=None)
    return ordered_span(bounds, Fraction(low), Fraction(high))
