"""Arguments -> what they say about each flag, with the rules of Python's argparse, which vLLM uses.

Unlike argparse, the reader goes on after a fault, says at which place each fault is, and can read the arguments of a
release whose flags it does not know: those it passes over, and the caller decides whether that is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from elastometer_serverflags.flag import Flag, Takes
from elastometer_serverflags.spelling import Token, evened
from elastometer_serverflags.values import value_of
from elastometer_serverflags.words import UNKNOWN

# argparse takes these for values, since no flag of vLLM looks like a negative number.
_NEGATIVE = re.compile(r"-\d+|-\d*\.\d+")


@dataclass(frozen=True, slots=True)
class Given:
    """A flag as given at one place. `values` are texts; `is_on` is False for a name that switches the flag off."""

    flag: Flag
    values: tuple[str, ...]
    place: int
    is_on: bool = True

    @property
    def spelled(self) -> str:
        """The flag with its values, in one spelling."""
        name = self.flag.name if self.is_on else f"not {self.flag.name}"
        return "=".join([name, " ".join(self.values)] if self.values else [name])


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that the server would refuse. `text` begins with the flag's name and states the rule. `is_unknown` if
    the rule is only that no such flag is known; `near` is then the most similar flag."""

    place: int
    text: str
    is_unknown: bool = False
    flag: Flag | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was read, in the order of the arguments. `others` are flags that are not known, and single keys of JSON
    values, as they were written but evened out."""

    given: tuple[Given, ...]
    positionals: tuple[str, ...]
    faults: tuple[Fault, ...]
    others: tuple[str, ...]

    def last(self, name: str) -> Given | None:
        """The one that counts: of several, the last."""
        return next((one for one in reversed(self.given) if one.flag.name == name), None)

    def text(self, name: str) -> str | None:
        """The value of a flag as text; None if it was not given, or with the text that asks for the default."""
        one = self.last(name)
        if one is None or not one.values or (one.flag.is_optional and one.values[-1] in ("", "None")):
            return None
        return one.values[-1]

    def value(self, name: str) -> object:
        """The value as the server converts it; None as in `text`, and where the value is a fault."""
        one = self.last(name)
        if one is None or not one.values or UNKNOWN in one.values[-1]:
            return None
        try:
            return value_of(one.flag, one.values[-1])
        except ValueError:
            return None

    def evened(self) -> tuple[str, ...]:
        """The arguments in one spelling and in the order of their names, of each flag the last."""
        last = {one.flag.name: one for one in self.given}
        return tuple(sorted([*(one.spelled for one in last.values()), *self.others]))


@dataclass(frozen=True, slots=True)
class Piece:
    """Arguments that belong together, as they were written: a flag with its values, or what belongs to no flag, whose
    name is None. A flag that is not known has the name as which it was written, evened out."""

    name: str | None
    args: tuple[str, ...]
    place: int


@dataclass(slots=True)
class _State:
    """What has been read so far."""

    given: list[Given] = field(default_factory=list)
    positionals: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def read(args: Sequence[str], flags: Sequence[Flag]) -> Reading:
    """Reads the arguments with the flags of one server."""
    state, tokens, index = _State(), list(evened(args)), 0
    known = _by_name(flags)
    while index < len(tokens):
        index = _next(tokens, index, known, state)
    return Reading(tuple(state.given), tuple(state.positionals), tuple(state.faults), tuple(state.others))


def pieces(args: Sequence[str], flags: Sequence[Flag]) -> Iterator[Piece]:
    """The arguments in their order, each flag with its values."""
    tokens, index, known = list(evened(args)), 0, _by_name(flags)
    while index < len(tokens):
        state, start = _State(), index
        index = _next(tokens, index, known, state)
        name = state.given[0].flag.name if state.given else \
            state.others[0].partition("=")[0] if state.others else None
        places = sorted({token.place for token in tokens[start:index]})
        yield Piece(name, tuple(args[place] for place in places), places[0])


def _by_name(flags: Sequence[Flag]) -> dict[str, Flag]:
    return {name: flag for flag in flags for name in flag.names}


def _next(tokens: Sequence[Token], index: int, known: Mapping[str, Flag], state: _State) -> int:
    """Reads what is at `index`; the index after it."""
    token = tokens[index]
    if token.text == "--":
        for later in tokens[index + 1:]:
            _take_positional(later, {}, state)
        return len(tokens)
    if not _is_value(token, known):
        return _take(tokens, index, known, state)
    _take_positional(token, known, state)
    return index + 1


def _take_positional(token: Token, known: Mapping[str, Flag], state: _State) -> None:
    name, _, value = token.text.partition(" ")
    if name in known and name.startswith("--"):
        said = f"{name} must be a separate argument, or {name}={value.strip()}, is {token.text!r}"
        state.faults.append(Fault(token.place, said, flag=known[name]))
    elif state.positionals:
        said = f"{token.text!r} must be the value of a flag, since the model is already given"
        state.faults.append(Fault(token.place, said, is_unknown=True))
    state.positionals.append(token.text)


def _is_value(token: Token, known: Mapping[str, Flag]) -> bool:
    """Whether argparse takes the argument for a value and not for the name of a flag."""
    text = token.text
    if not text.startswith("-") or text == "-":
        return True
    if token.is_key or text.partition("=")[0] in known or _named(text, known):
        return False
    return bool(_NEGATIVE.fullmatch(text)) or " " in text


def _named(text: str, known: Mapping[str, Flag]) -> list[tuple[str, str | None]]:
    """The flags' names that the argument may mean, each with the value that is glued to it."""
    name, equals, value = text.partition("=")
    glued = value if equals else None
    if name in known:
        return [(name, glued)]
    if text.startswith("--"):
        # argparse allows every abbreviation that is unique.
        return [(full, glued) for full in known if full.startswith(name)]
    return [(full, text[2:]) for full in known if full == text[:2]] + \
           [(full, None) for full in known if full.startswith(text)]


def _take(tokens: Sequence[Token], index: int, known: Mapping[str, Flag], state: _State) -> int:
    """Reads the flag at `index` with its values; the index after them."""
    token = tokens[index]
    if token.is_key:
        return _take_key(tokens, index, known, state)
    found = _named(token.text, known)
    written = token.text.partition("=")[0]
    if len(found) != 1:
        state.faults.append(_not_one(written, token.place, [name for name, _ in found], known))
        # What follows is most probably its value, and no model.
        values = [later.text for later in _values(tokens, index + 1, Takes.MANY, known)]
        state.others.append("=".join([token.text, " ".join(values)] if values else [token.text]))
        return index + 1 + len(values)
    (name, glued), flag = found[0], known[found[0][0]]
    after = index + 1
    if glued is not None:
        values = [glued]
    else:
        values = [later.text for later in _values(tokens, after, flag.takes, known)]
        after += len(values)
    state.given.append(Given(flag, tuple(values), token.place, name not in flag.off))
    state.faults += _faults(flag, name, values, token.place, is_glued=glued is not None)
    return after


def _take_key(tokens: Sequence[Token], index: int, known: Mapping[str, Flag], state: _State) -> int:
    """Reads `--flag.key=value` or `--flag.key value`, whose value is any one argument."""
    token = tokens[index]
    name, equals, _ = token.text.partition("=")
    state.others.append(token.text if equals else "=".join(one.text for one in tokens[index:index + 2]))
    found = _named(name.partition(".")[0], known)
    if len(found) != 1:
        state.faults.append(_not_one(name, token.place, [full for full, _ in found], known))
    elif not equals and index + 1 == len(tokens):
        state.faults.append(Fault(token.place, f"{name} must have a value", flag=known[found[0][0]]))
    return index + 1 if equals else index + 2


def _values(tokens: Sequence[Token], start: int, takes: Takes, known: Mapping[str, Flag]) -> Iterator[Token]:
    if takes is Takes.NOTHING:
        return
    for token in tokens[start:] if takes is Takes.MANY else tokens[start:start + 1]:
        if token.text == "--" or not _is_value(token, known):
            return
        yield token


def _faults(flag: Flag, name: str, values: Sequence[str], place: int, *, is_glued: bool) -> Iterator[Fault]:
    if flag.takes is Takes.NOTHING:
        if is_glued:
            yield Fault(place, f"{name} must not have a value, has {values[0]!r}", flag=flag)
        return
    if not values and flag.takes is not Takes.OPTIONAL:
        yield Fault(place, f"{name} must have a value", flag=flag)
    for value in values:
        if UNKNOWN in value:
            continue
        try:
            value_of(flag, value)
        except ValueError as rule:
            yield Fault(place, f"{name} {rule}, is {value!r}", flag=flag)


def _not_one(written: str, place: int, candidates: Sequence[str], known: Mapping[str, Flag]) -> Fault:
    if candidates:
        several = ", ".join(sorted(candidates))
        return Fault(place, f"{written} must be the prefix of exactly one flag, is that of {several}")
    near = get_close_matches(written.lower(), known, n=1, cutoff=0.7)
    advice = f"; did you mean {near[0]}?" if near else ""
    return Fault(place, f"{written} must be a flag of the server{advice}", is_unknown=True)
