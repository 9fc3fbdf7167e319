"""A shell script -> the simple commands in it, as far as they can be known without running it.

Enough for the scripts that start a server: quotes, lists, pipes, redirections, assignments and plain parameters. What
else decides a word makes it UNKNOWN.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from shlex import shlex

from elastometer_serverflags.words import UNKNOWN, Variables

# Inside quotes these characters mean themselves; they are put back after the words have been separated.
_DOLLAR, _QUOTED = "\ue000", "\ue001"
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_PARAMETER = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-=+?])([^}$`]*))?\})")
_NUMBERED = re.compile(r"\$(?:(\d)|\{(\d+)\})")
_ALL = re.compile(r"\$(?:[@*]|\{[@*]\})")
_ANY = re.compile(r"\$[\w@*#?$!{-]")
_SEPARATORS = ";&|()\n"


def commands(script: str, positional: Sequence[str], variables: Variables) -> Iterator[tuple[str, ...]]:
    """The words of each simple command, without assignments and redirections. `positional` are `$0` and the following.
    Raises ValueError where a quote is not closed."""
    values: dict[str, str | None] = dict(variables.values)
    for raw in _simple(script):
        now = Variables(values, variables.has_others)
        words = [word for token in raw for word in _words(token, positional, now)]
        body = words[1:] if words[:1] == ["export"] else words
        leading = len(body)
        for index, word in enumerate(body):
            if not (found := _ASSIGNMENT.fullmatch(word)):
                leading = index
                break
            values[found[1]] = None if UNKNOWN in found[2] else found[2]
        if body[leading:]:
            yield tuple(body[leading:])


def _simple(script: str) -> Iterator[list[str]]:
    """The tokens of each simple command, before parameters are replaced."""
    lines = (line for line in script.replace("\\\n", " ").split("\n") if not line.lstrip().startswith("#"))
    lexer = shlex(_protected("\n".join(lines)), posix=True, punctuation_chars=_SEPARATORS + "<>")
    lexer.whitespace, lexer.commenters, lexer.whitespace_split = " \t\r", "", True
    tokens: list[str] = []
    skips = False
    for token in lexer:
        if token.strip(_SEPARATORS + "<>"):
            if not skips:
                tokens.append(token)
            skips = False
        elif "<" in token or ">" in token:
            if tokens and tokens[-1].isdigit():
                tokens.pop()  # the number of the file that is redirected
            skips = True
        else:
            yield tokens
            tokens, skips = [], False
    yield tokens


def _protected(script: str) -> str:
    """The script with every `$` that is protected replaced, every other one in double quotes marked, and UNKNOWN for
    the output of other commands."""
    done, quote, index = [], "", 0
    while index < len(script):
        char = script[index]
        if char == "\\" and quote != "'" and index + 1 < len(script):
            following = script[index + 1]
            done.append({"$": _DOLLAR, "`": "`"}.get(following, char + following))
            index += 2
            continue
        if quote != "'" and (char == "`" or script.startswith("$(", index)):
            done.append(UNKNOWN)
            index = _end_of_output(script, index)
            continue
        if char in "'\"" and quote in ("", char):
            quote = "" if quote else char
        elif quote == "'":
            char = _DOLLAR if char == "$" else char
        elif quote == '"' and char == "$":
            char = _QUOTED + "$"
        done.append(char)
        index += 1
    return "".join(done)


def _end_of_output(script: str, start: int) -> int:
    """The index behind a command whose output becomes part of a word."""
    if script[start] == "`":
        return script.find("`", start + 1) + 1 or len(script)
    depth = 0
    for index in range(start + 1, len(script)):
        depth += {"(": 1, ")": -1}.get(script[index], 0)
        if depth == 0:
            return index + 1
    return len(script)


def _words(token: str, positional: Sequence[str], variables: Variables) -> list[str]:
    """The words that a token becomes: several, or none, where a parameter outside of quotes has blanks or is empty."""
    if _ALL.fullmatch(token.replace(_QUOTED, "")):
        return list(positional[1:])
    is_quoted = _QUOTED in token
    text = _NUMBERED.sub(lambda found: "".join(positional[int(found[1] or found[2]):][:1]), token.replace(_QUOTED, ""))
    text = _PARAMETER.sub(lambda found: _value(found, variables), text)
    changed = "$" in token
    if _ANY.search(text):
        text = _ANY.split(text)[0] + UNKNOWN
    text = text.replace(_DOLLAR, "$")
    return text.split() if changed and not is_quoted else [text]


def _value(found: re.Match[str], variables: Variables) -> str:
    plain, braced, rule, other = found.groups()
    value = variables.text(plain or braced)
    if rule is None or value == UNKNOWN:
        return value or ""
    is_set = bool(value) if rule.startswith(":") else value is not None
    choices: Mapping[str, str] = {
        "-": value or "" if is_set else other, "=": value or "" if is_set else other, "+": other if is_set else "",
    }
    return choices.get(rule[-1], value or UNKNOWN)
