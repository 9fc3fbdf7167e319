"""Requests of the OpenAI API as vLLM reads them: a body becomes a `Call`, or an `ApiError` in vLLM's form. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from elastometer_standin.answers.readings import asks_for_json
from elastometer_standin.settings import Settings
from elastometer_standin.tokens import count_chat_tokens, count_text_tokens, request_key

# Texts and types of errors are vLLM's where it has them, word for word: clients and load generators match them.
ERROR_TYPES = {
    400: "BadRequestError",
    404: "NotFoundError",
    500: "InternalServerError",
    503: "ServiceUnavailableError",
}
JSON_FORMATS = ("json_object", "json_schema")
DEFAULT_COMPLETION_TOKENS = 16
"""OpenAI's and vLLM's default for /v1/completions; a chat without a limit may fill the context."""


class ApiError(Exception):
    """A request that is answered with an HTTP error; `param` names the field at fault."""

    def __init__(self, status: int, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.param = param

    def body(self) -> bytes:
        """The JSON body of the reply, with vLLM's four keys."""
        error = {
            "message": str(self),
            "type": ERROR_TYPES.get(self.status, "BadRequestError"),
            "param": self.param,
            "code": self.status,
        }
        return orjson.dumps({"error": error})


@dataclass(frozen=True, slots=True)
class Call:
    """One completion that was asked for: the parts of a request that matter here, checked."""

    chat: bool
    model: str
    prompt: str
    prompt_tokens: int
    max_tokens: int
    min_tokens: int
    ignore_eos: bool
    stream: bool
    include_usage: bool
    json_answer: bool
    json_schema: dict[str, Any] | None
    key: int
    """The seed of everything random about this request, made of its prompt and its seed."""
    question: str = ""
    """The last message of the user; of a request without messages the whole prompt."""
    turn: int = 1
    """How many messages of the user there are."""
    json_source: str = ""
    """Where a schema of the server's own (`--standin-json-schema`) may look for values; else empty."""


def parse_json(body: bytes, content_type: str) -> dict[str, Any]:
    """The JSON object in a body; an empty content type counts as JSON. ApiError 400 says what is wrong."""
    if content_type and not content_type.lower().split(";")[0].strip().endswith("json"):
        raise ApiError(400, "Unsupported Media Type: Only 'application/json' is allowed")
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"JSON decode error: {error}") from None
    if not isinstance(data, dict):
        raise ApiError(400, f"the request body must be a JSON object, got {type(data).__name__}")
    return data


def parse_call(data: dict[str, Any], settings: Settings, *, chat: bool) -> Call:
    """The call in `data`. Unknown fields are ignored, as vLLM ignores them; ApiError names what is wrong."""
    model = _field(data, "model", str, None) or settings.model_name
    if model not in settings.names:
        aliases = ", ".join(settings.names)
        raise ApiError(404, f"The model `{model}` does not exist. Valid aliases: {aliases}.", "model")
    if _field(data, "n", int, 1) != 1:
        raise ApiError(400, f"n must be 1, got {data['n']}: the stand-in writes one answer per request", "n")
    asked = _chat_prompt(data) if chat else _text_prompt(data)
    options = _field(data, "stream_options", dict, None) or {}
    form = _answer_form(_field(data, "response_format", dict, None) or {}, asked, settings.json_schema)
    stream = _field(data, "stream", bool, False)
    if options and not stream:
        raise ApiError(400, "Stream options can only be defined when `stream=True`.", "stream_options")
    return Call(
        chat=chat,
        model=model,
        prompt=asked.text,
        prompt_tokens=asked.tokens,
        max_tokens=_max_tokens(data, asked.tokens, settings.limits.max_model_len, chat=chat),
        min_tokens=_field(data, "min_tokens", int, 0),
        ignore_eos=_field(data, "ignore_eos", bool, False),
        stream=stream,
        include_usage=bool(options.get("include_usage")),
        key=request_key(asked.text, _field(data, "seed", int, None)),
        question=asked.question,
        turn=asked.turn,
        **form,
    )


def _field(data: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    """`data[name]`, of exactly that type; null counts as absent."""
    value = data.get(name)
    if value is None:
        return default
    # bool is a subclass of int in Python, and `true` is not a number in JSON.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ApiError(400, f"{name} must be of type {kind.__name__}, got {type(value).__name__}", name)
    return value


@dataclass(frozen=True, slots=True)
class _Prompt:
    """A prompt as text, with the parts of it that conditions and readings ask about."""

    text: str
    tokens: int
    question: str
    turn: int
    instruction: str = ""
    """What the system says before the conversation."""


def _chat_prompt(data: Mapping[str, Any]) -> _Prompt:
    messages = _field(data, "messages", list, None)
    if not messages:
        raise ApiError(400, "messages must be a list of at least one message", "messages")
    pairs = [_message(message) for message in messages]
    said = [content for role, content in pairs if role == "user"]
    return _Prompt(
        text="\n".join(content for _, content in pairs),
        tokens=count_chat_tokens(pairs),
        question=said[-1] if said else "",
        turn=len(said),
        instruction="\n".join(content for role, content in pairs if role == "system"),
    )


def _message(message: Any) -> tuple[str, str]:
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise ApiError(400, "each of messages must be an object with a role", "messages")
    content = message.get("content")
    if isinstance(content, list):  # content parts; those without text (images, audio) count as nothing
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "".join(part for part in parts if isinstance(part, str))
    if content is not None and not isinstance(content, str):
        raise ApiError(400, "the content of each of messages must be text", "messages")
    return message["role"], content or ""


def _text_prompt(data: Mapping[str, Any]) -> _Prompt:
    """A string, a list of one string, or a list of token ids."""
    prompt = data.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], (str, list)):
        prompt = prompt[0]
    if isinstance(prompt, str) and prompt:
        return _Prompt(prompt, count_text_tokens(prompt), prompt, turn=1)
    if isinstance(prompt, list) and prompt and all(isinstance(token, int) for token in prompt):
        text = " ".join(map(str, prompt))
        return _Prompt(text, len(prompt), text, turn=1)
    raise ApiError(400, "prompt must be one text or one list of token ids, and not empty", "prompt")


def _max_tokens(data: Mapping[str, Any], prompt_tokens: int, context: int, *, chat: bool) -> int:
    """The limit that was asked for, cut to what the context has left; more than the whole context is refused.

    A running vLLM 0.32 makes the same difference: it cuts to the room left, and answers 400 beyond max_model_len.
    """
    room = context - prompt_tokens
    if room < 1:
        raise ApiError(
            400,
            f"This model's maximum context length is {context} tokens. However, your prompt contains {prompt_tokens} "
            f"input tokens, which exceeds this limit even without any output tokens. Please reduce the length of the "
            f"input prompt. (parameter=input_tokens, value={prompt_tokens})",
            "input_tokens",
        )
    name = "max_completion_tokens" if data.get("max_completion_tokens") is not None else "max_tokens"
    wanted = _field(data, name, int, None)
    if wanted is None:
        return room if chat else min(DEFAULT_COMPLETION_TOKENS, room)
    if wanted < 1:
        raise ApiError(400, f"max_tokens must be at least 1, got {wanted}.", name)
    if wanted > context:
        raise ApiError(
            400,
            f"{name}={wanted} cannot be greater than max_model_len={context}. Please request fewer output tokens. "
            f"(parameter={name}, value={wanted})",
            name,
        )
    return min(int(wanted), room)


def _answer_form(asked_for: Mapping[str, Any], prompt: _Prompt, own_schema: dict[str, Any] | None) -> dict[str, Any]:
    """The fields of `Call` about JSON: what `response_format` says, else whether the prompt itself speaks of JSON."""
    if asked_for.get("type") in JSON_FORMATS:
        return {"json_answer": True, "json_schema": _schema(asked_for)}
    if own_schema is not None and asks_for_json(f"{prompt.instruction}\n{prompt.question}"):
        return {"json_answer": True, "json_schema": own_schema, "json_source": prompt.question}
    return {"json_answer": False, "json_schema": None}


def _schema(answer_format: Mapping[str, Any]) -> dict[str, Any] | None:
    """The JSON schema of `response_format`, where it has one."""
    wrapper = answer_format.get("json_schema")
    schema = wrapper.get("schema") if isinstance(wrapper, dict) else None
    return schema if isinstance(schema, dict) else None
