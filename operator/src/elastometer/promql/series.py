"""Which series of a test a list of label matchers selects: all of them, or none.

The labels are those that manifests/stack/prometheus gives the series of a server Pod, and those of vLLM itself. What a
matcher cannot be compared with, because its label has no known value, is refused by name.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256

from elastometer.model.errors import SpecError
from elastometer.model.names import server_name

NAMESPACE, POD, INSTANCE, NODE, JOB = "namespace", "pod", "instance", "node", "job"
MODEL, ENGINE = "model_name", "engine"
# The job of manifests/stack/prometheus; a server without data parallelism has one engine.
JOB_OF_PODS, FIRST_ENGINE = "pods", "0"
# A name that nobody asks for by itself: a matcher that selects it selects the jobs of all names.
_OTHER_JOB = "any other job"
# Labels that every Pod has with a value of its own, and one that Pods may share.
OF_ONE_POD = frozenset((POD, INSTANCE))
KNOWN = frozenset((NAMESPACE, POD, INSTANCE, NODE, JOB, MODEL, ENGINE))
# What the ReplicaSet controller makes the last parts of a Pod's name of: no vowels, and no digits like them.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_HASH_LENGTHS, _SUFFIX_LENGTH, _DRAWN_NAMES = (10, 9, 8), 5, 120
_TEST = re.compile(r"\^?([a-z](?:[-a-z0-9]{0,38}[a-z0-9])?)-server(?![a-z0-9])")
# Written alike but with another meaning in RE2, or not in RE2 at all.
_NOT_RE2 = re.compile(r"\[\[:|\(\?[=!<#(]|\\[1-9ZAGQEpPCzN]|[*+?}]\+|\{,")


class MatchOperator(StrEnum):
    """How a matcher compares a label with its value; a regular expression must match the whole label."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One comparison of a selector."""

    label: str
    operator: MatchOperator
    value: str

    def __str__(self) -> str:
        return f'{self.label}{self.operator}"{self.value}"'


@dataclass(frozen=True, slots=True)
class TestSeries:
    """The labels of the series of a test's server Pods.

    `pods` are Pods of which the names are known, from a record. `proven` are matchers that a recorded run has shown to
    select its series. Without `has_one_engine`, a Pod has a series for each of several engines. `unexported` are
    metrics that the server is known not to have.
    """

    __test__ = False  # or pytest would collect it as a class of tests

    namespace: str
    test: str
    model: str | None
    pods: tuple[str, ...] = ()
    proven: frozenset[Matcher] = frozenset()
    has_one_engine: bool = True
    unexported: frozenset[str] = frozenset()

    def constant(self, label: str) -> str | None:
        """The value of a label that all Pods share; None if it is not known."""
        for matcher in self.proven:
            if (matcher.label, matcher.operator) == (label, MatchOperator.EQUAL):
                return matcher.value
        engine = FIRST_ENGINE if self.has_one_engine else None
        return {NAMESPACE: self.namespace, JOB: JOB_OF_PODS, MODEL: self.model, ENGINE: engine}.get(label)


@dataclass(frozen=True, slots=True)
class Selection:
    """Whether the series of the test are selected; `notes` say what was assumed, or why nothing is selected."""

    selects: bool
    notes: tuple[str, ...] = ()


def select(path: str, matchers: Sequence[Matcher], series: TestSeries) -> Selection:
    """Compares every matcher. Raises SpecError for one that cannot be compared."""
    compared = [_compare(path, matcher, series) for matcher in matchers if matcher not in series.proven]
    return Selection(all(one.selects for one in compared), tuple(note for one in compared for note in one.notes))


def _compare(path: str, matcher: Matcher, series: TestSeries) -> Selection:
    if matcher.label == POD:
        return _compare_pod(path, matcher, series)
    value = series.constant(matcher.label)
    if value is None:
        raise SpecError(f"{path}: must compare labels whose values are known before the run "
                        f"({', '.join((NAMESPACE, POD, MODEL, JOB, ENGINE))}), has {matcher}")
    if not _matches(path, matcher, value):
        return Selection(False, (f"{path}: {matcher} selects no series of this test, whose {matcher.label} "
                                 f"is {value!r}{_origin(matcher.label, value)}",))
    assumed = f"{path}: {matcher} selects the series if Prometheus scrapes them as job {value!r}, as the one of " \
              "manifests/stack does"
    is_assumed = (matcher.label, value) == (JOB, JOB_OF_PODS) and not _matches(path, matcher, _OTHER_JOB)
    return Selection(True, (assumed,) if is_assumed else ())


def _origin(label: str, value: str) -> str:
    return " in the Prometheus of manifests/stack" if (label, value) == (JOB, JOB_OF_PODS) else ""


def _compare_pod(path: str, matcher: Matcher, series: TestSeries) -> Selection:
    names = (*series.pods, *drawn_names(series.test))
    found = {_matches(path, matcher, name) for name in names}
    if found == {True}:
        return Selection(True)
    if len(found) == 2:
        raise SpecError(f"{path}: must select all Pods of the test or none, has {matcher}, which depends on the "
                        f"generated parts of their names ({server_name(series.test)}-<hash>-<id>)")
    return Selection(False, (f"{path}: {matcher} selects no series of this test, whose Pods are called "
                             f"{server_name(series.test)}-<hash>-<id>",))


def other_test(path: str, matcher: Matcher) -> str | None:
    """The name of the test whose server Pods a regular expression selects, all of them; None for any other matcher."""
    if (matcher.label, matcher.operator) != (POD, MatchOperator.REGEX):
        return None
    named = _TEST.match(matcher.value)
    is_all = named is not None and all(_matches(path, matcher, name) for name in drawn_names(named.group(1)))
    return named.group(1) if named is not None and is_all else None


def _matches(path: str, matcher: Matcher, value: str) -> bool:
    match matcher.operator:
        case MatchOperator.EQUAL:
            return value == matcher.value
        case MatchOperator.NOT_EQUAL:
            return value != matcher.value
    is_match = _regex(path, matcher).fullmatch(value) is not None
    return is_match is (matcher.operator is MatchOperator.REGEX)


@lru_cache(maxsize=64)
def _regex(path: str, matcher: Matcher) -> re.Pattern[str]:
    try:
        if _NOT_RE2.search(matcher.value) is None:
            return re.compile(matcher.value, re.ASCII | re.DOTALL)
    except re.error:
        pass
    raise SpecError(f"{path}: must have a regular expression of letters, classes, groups, alternatives and "
                    f"repetitions, has {matcher}")


@lru_cache(maxsize=4096)
def labels_of_pod(name: str) -> frozenset[tuple[str, str]]:
    """Labels in which the series of two Pods differ as those of real ones do; the values of others do not matter."""
    return frozenset((label, name if label in (*OF_ONE_POD, NODE) else "") for label in KNOWN)


@lru_cache(maxsize=8)
def drawn_names(test: str) -> tuple[str, ...]:
    """Names that the server Pods of the test could have, always the same ones."""
    return tuple(f"{server_name(test)}-{_word(f'{number}/hash', _HASH_LENGTHS[number % 3])}-"
                 f"{_word(f'{number}/id', _SUFFIX_LENGTH)}" for number in range(_DRAWN_NAMES))


def _word(seed: str, length: int) -> str:
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in _bytes(seed, length))


def _bytes(seed: str, length: int) -> Iterator[int]:
    yield from sha256(seed.encode()).digest()[:length]
