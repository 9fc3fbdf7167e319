"""Reads a formula of KEDA's scaling modifiers: the part of the language Expr that is arithmetic on numbers.

KEDA compiles it with a float for each trigger's name (ValidateAndCompileScalingModifiers in apis/keda/v1alpha1).
"""
from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from elastometer.model.errors import SpecError
from elastometer.twin.formula import AND, CHOICE, FUNCTIONS, NEGATIVE, NOT, OR, Applied, Constant, Named, Term

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))|(?P<name>[A-Za-z_$][\w$]*)"
    r"|(?P<sign>\?\?|\?\.|\*\*|\.\.|&&|\|\||[<>=!]=|[-+*/<>!?:(),])|(?P<other>\S))")
# How tightly an operator binds (Expr's parser/operator/operator.go); those of one strength are read from the left.
_STRENGTH = {OR: 10, AND: 15, "==": 20, "!=": 20, "<": 20, "<=": 20, ">": 20, ">=": 20, "+": 30, "-": 30, "*": 60,
             "/": 60}
_STRENGTH_OF_NOT, _STRENGTH_OF_SIGN = 50, 90
_SPELLED = {"&&": AND, "||": OR}
_CONDITIONS = (AND, OR, NOT, "==", "!=", "<", "<=", ">", ">=")
_CALLED = {"min": 0, "max": 0, "abs": 1, "ceil": 1, "floor": 1, "round": 1, "float": 1}  # 0: any number of arguments
_END = ""


def read_formula(path: str, text: str, names: Collection[str]) -> Term:
    """The formula over the triggers of these names. Raises SpecError for what KEDA refuses or what is not modelled."""
    reader = _Reader(path, text, frozenset(names), _tokens(text))
    term = reader.choice()
    if reader.now != _END:
        raise reader.refusal(f"`{reader.now}` is not modelled")
    return reader.number(term)


def _tokens(text: str) -> list[str]:
    found = list(_TOKEN.finditer(text.rstrip()))
    return [*(match.group().strip() for match in found), _END]


def _is_condition(term: Term) -> bool:
    if isinstance(term, Applied) and term.function == CHOICE:
        return _is_condition(term.arguments[1])
    return isinstance(term, Applied) and term.function in _CONDITIONS


@dataclass(slots=True)
class _Reader:
    path: str
    text: str
    names: frozenset[str]
    tokens: list[str]
    place: int = 0

    @property
    def now(self) -> str:
        return self.tokens[self.place]

    def refusal(self, why: str) -> SpecError:
        return SpecError(f"{self.path}: must be arithmetic on the names of the triggers "
                         f"({', '.join(sorted(self.names)) or 'none has a name'}), but {why}; is {self.text!r}")

    def take(self) -> str:
        word = self.now
        self.place += word != _END
        return word

    def expect(self, word: str) -> None:
        if self.now != word:
            raise self.refusal(f"`{word}` is missing before {f'`{self.now}`' if self.now else 'the end'}")
        self.place += 1

    def number(self, term: Term) -> Term:
        if _is_condition(term):
            raise self.refusal("a condition stands in place of a number")
        return term

    def condition(self, term: Term) -> Term:
        if not _is_condition(term):
            raise self.refusal("a number stands in place of a condition")
        return term

    def choice(self) -> Term:
        """`condition ? term : term`, or what binds more tightly."""
        first = self.operation(0)
        if self.now != "?":
            return first
        self.place += 1
        chosen = self.choice()
        self.expect(":")
        other = self.choice()
        if _is_condition(chosen) is not _is_condition(other):
            raise self.refusal("the two sides of `?` are a number and a condition")
        return Applied(CHOICE, (self.condition(first), chosen, other))

    def operation(self, least: int) -> Term:
        left = self.single()
        while (strength := _STRENGTH.get(_SPELLED.get(self.now, self.now), -1)) > least:
            word = _SPELLED.get(self.take(), self.tokens[self.place - 1])
            checked = self.condition if word in (AND, OR) else self.number
            left = Applied(word, (checked(left), checked(self.operation(strength))))
        return left

    def single(self) -> Term:
        word = self.take()
        if word in ("-", "+"):
            inner = self.number(self.operation(_STRENGTH_OF_SIGN))
            return Applied(NEGATIVE, (inner,)) if word == "-" else inner
        if word in ("!", NOT):
            return Applied(NOT, (self.condition(self.operation(_STRENGTH_OF_NOT)),))
        if word == "(":
            inner = self.choice()
            self.expect(")")
            return inner
        if word[:1].isdigit() or (word[:1] == "." and word[1:2].isdigit()):
            return Constant(float(word))
        if self.now == "(":
            return self.call(word)
        if word in self.names:
            return Named(word)
        raise self.refusal(f"`{word or 'its end'}` is neither a trigger's name nor modelled")

    def call(self, name: str) -> Term:
        if name not in _CALLED:
            raise self.refusal(f"`{name}` is not modelled")
        self.expect("(")
        given = [self.number(self.choice())]
        while self.now == ",":
            self.place += 1
            given.append(self.number(self.choice()))
        self.expect(")")
        if _CALLED[name] and len(given) != _CALLED[name]:
            raise self.refusal(f"`{name}` takes {_CALLED[name]} number, not {len(given)}")
        return Applied(name, tuple(given)) if name in FUNCTIONS else given[0]
