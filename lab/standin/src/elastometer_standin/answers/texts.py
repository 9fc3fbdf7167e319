"""Answers in words, and what the faults of words make of them. Pure."""

from itertools import cycle, islice

from elastometer_standin.api import Call
from elastometer_standin.tokens import Answer, ending_answer, write_answer
from elastometer_standin.troubles.faults import Fault

REPEATED_TOKENS = 4
"""Length of the loop under `repeat` and `late-repeat`; short enough that any check for repetition finds it."""
SHORT_TOKENS = 3
"""Length of an answer under `short`, the end-of-text token included."""
EARLY_STOP_SHARE = 0.93
"""Where an answer ends under `early-stop`, as a share of max_tokens: 7618 of 8192."""
GARBLED = "\ufffd\ufffd"
"""What a decoder writes in place of bytes that are not UTF-8."""


def early_stop_tokens(call: Call) -> int:
    """Length of the answer under `early-stop`, the end-of-text token included."""
    return int(EARLY_STOP_SHARE * call.max_tokens)


def text_answer(call: Call, fault: Fault | None, mean: int) -> Answer:
    """The words of the answer, or what the fault makes of them."""
    if fault is Fault.EARLY_STOP:
        return ending_answer(call.prompt, call.key, early_stop_tokens(call))
    answer = write_answer(
        call.prompt,
        call.key,
        max_tokens=call.max_tokens,
        mean=mean,
        min_tokens=call.min_tokens,
        ignore_eos=call.ignore_eos,
    )
    # The end-of-text token is taken off and put back, so that `stop` still follows what a fault makes of the words.
    words = answer.pieces if answer.cut else answer.pieces[:-1]
    end = () if answer.cut else ("",)
    match fault:
        case Fault.CUT:
            return Answer(words[: max(1, len(words) // 2)], cut=True)
        case Fault.SHORT:
            return Answer((*words[: SHORT_TOKENS - 1], ""), cut=False) if len(words) >= SHORT_TOKENS else answer
        case Fault.REPEAT | Fault.LATE_REPEAT | Fault.GARBLE:
            return Answer((*_changed(words, fault), *end), answer.cut)
        case _:
            return answer


def _changed(words: tuple[str, ...], fault: Fault) -> tuple[str, ...]:
    """As many words, of which some are wrong."""
    match fault:
        case Fault.REPEAT:
            # The first word stays, since it may be the request's mark: only the repetition is to be wrong.
            return (*words[:1], *_looped(words[1 : 1 + REPEATED_TOKENS] or words, len(words) - 1))
        case Fault.LATE_REPEAT:
            good = words[: max(1, len(words) * 2 // 3)]
            return (*good, *_looped(good[-REPEATED_TOKENS:], len(words) - len(good)))
        case _:
            middle = len(words) // 2
            return (*words[:middle], GARBLED, *words[middle + 1 :])


def _looped(phrase: tuple[str, ...], count: int) -> tuple[str, ...]:
    return tuple(islice(cycle(phrase), count))
