"""Composes the answer to a call: words, a label or JSON, as its prompt asks, or a wrong answer under a fault. Pure."""

import enum
from dataclasses import dataclass, replace
from types import MappingProxyType

from elastometer_standin.answers.broken_json import REFUSAL, broken_json_answer, faults_of_json
from elastometer_standin.answers.readings import CANARY, LabelWords, facts, labels, right_label, without_facts
from elastometer_standin.answers.texts import early_stop_tokens, text_answer
from elastometer_standin.api import Call
from elastometer_standin.tokens import Answer, verbatim_answer
from elastometer_standin.troubles.faults import Fault

TRANSPORT_FAULTS = frozenset(
    {
        Fault.ERROR, Fault.UNAVAILABLE, Fault.OOM, Fault.ENGINE_DEAD, Fault.DROP, Fault.RESET_FIRST, Fault.MUTE,
        Fault.TRUNCATE, Fault.RESET, Fault.STALL, Fault.ABORT, Fault.BROKEN_JSON, Fault.DELAY,
    }
)
"""Faults that are possible whatever the answer is; `server` and `reply` inject them, not this module."""
TEXT_FAULTS = frozenset({Fault.REPEAT, Fault.LATE_REPEAT, Fault.GARBLE, Fault.CUT, Fault.SHORT})
LABEL_FAULTS = frozenset({Fault.WRONG_LABEL, Fault.LABEL_CASE})
NO_WORDS: LabelWords = MappingProxyType({})


class Kind(enum.Enum):
    """The shape of an answer."""

    TEXT = enum.auto()
    LABEL = enum.auto()
    JSON = enum.auto()


@dataclass(slots=True)
class OtherCalls:
    """The latest earlier requests of each kind, whose answers a fault can give to the wrong request."""

    mark: str | None = None
    label: Call | None = None
    json: Call | None = None
    text: Call | None = None

    def note(self, call: Call) -> None:
        """Remember this call as the latest of its kind."""
        found = CANARY.search(call.prompt)
        self.mark = found.group() if found else self.mark
        match kind_of(call):
            case Kind.LABEL:
                self.label = call
            case Kind.JSON:
                self.json = call
            case Kind.TEXT:
                self.text = call

    def of_another_kind(self, call: Call) -> Call | None:
        """An earlier call whose answer cannot be mistaken for an answer to this one."""
        match kind_of(call):
            case Kind.TEXT:
                return self.label or self.json
            case Kind.LABEL:
                return self.json or self.text
            case Kind.JSON:
                return self.label


def kind_of(call: Call) -> Kind:
    """JSON where the request demands it; otherwise a label where the prompt lists some; otherwise text."""
    if call.json_answer:
        return Kind.JSON
    return Kind.LABEL if labels(call.prompt) else Kind.TEXT


def possible_faults(call: Call, other_calls: OtherCalls) -> frozenset[Fault]:
    """The faults that can strike this call. One that would change nothing about its answer is left out.

    A fault that struck without effect would be logged as injected, and a check that found nothing would look broken.
    """
    possible = set(TRANSPORT_FAULTS)
    match kind_of(call):
        case Kind.TEXT:
            possible |= TEXT_FAULTS
            possible |= {Fault.FORGET} if facts(call.prompt) else set()
            possible |= {Fault.EARLY_STOP} if early_stop_tokens(call) > 1 else set()
        case Kind.LABEL:
            possible |= LABEL_FAULTS
        case Kind.JSON:
            possible |= faults_of_json(call)
    if not call.json_answer and CANARY.search(call.prompt):
        possible.add(Fault.CROSSTALK)
    if other_calls.of_another_kind(call) is not None:
        possible.add(Fault.OTHER_TASK)
    return frozenset(possible)


def compose(
    call: Call, fault: Fault | None, other_calls: OtherCalls, mean: int, label_words: LabelWords = NO_WORDS
) -> Answer:
    """The answer; a wrong one where the fault is one that changes answers."""
    if fault is Fault.OTHER_TASK:
        other = other_calls.of_another_kind(call) or call
        call = replace(other, prompt=CANARY.sub("", other.prompt), max_tokens=call.max_tokens)
    elif fault is Fault.CROSSTALK:
        call = replace(call, prompt=CANARY.sub(_foreign_mark(call, other_calls), call.prompt))
    elif fault is Fault.FORGET:
        call = replace(call, prompt=without_facts(call.prompt))
    match kind_of(call):
        case Kind.JSON:
            return broken_json_answer(call, fault)
        case Kind.LABEL:
            return _label(call, fault, label_words)
        case Kind.TEXT:
            return text_answer(call, fault, mean)


def _foreign_mark(call: Call, other_calls: OtherCalls) -> str:
    """The mark of the request before, or an invented one where that would be this request's own."""
    own = CANARY.search(call.prompt)
    if other_calls.mark is None or (own and own.group() == other_calls.mark):
        return f"[REQ-{call.key % 10**9:09d}]"
    return other_calls.mark


def _label(call: Call, fault: Fault | None, label_words: LabelWords) -> Answer:
    label = right_label(labels(call.prompt), call.prompt, call.question, label_words, call.key)
    if fault is Fault.WRONG_LABEL:
        label = REFUSAL
    elif fault is Fault.LABEL_CASE:
        label = label.swapcase()
    mark = CANARY.search(call.prompt)
    return verbatim_answer(label if mark is None else f"{mark.group()} {label}", call.max_tokens)
