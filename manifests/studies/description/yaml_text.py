"""A document -> YAML as people write it: short maps on one line, Chinese as it is, texts of several lines as blocks.

A key that begins with `#` is a comment above the key that follows; its value is the text. PyYAML writes no comments.
"""
from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Any

import yaml

WIDTH = 120
INDENT = "  "
COMMENT = "#"
# Lists with more items than that, all of them short, share lines.
FEW, SHORT = 6, 40
# Readers of YAML differ in what they take for a number: of `0815`, some make 815.
NUMBER = re.compile(r"[-+.]?[0-9][-+.0-9_:a-zA-Z]*")
QUANTITY = re.compile(r"[0-9]+(m|[KMGT]i)")


def yaml_text(document: dict[str, Any]) -> str:
    """The document with its comments."""
    return "\n".join(_mapping(document, "")) + "\n"


def comment_lines(text: str, indent: str = "") -> Iterator[str]:
    """The text as comments of at most WIDTH characters."""
    for line in textwrap.wrap(text, WIDTH - len(indent) - 2, break_long_words=False, break_on_hyphens=False):
        yield f"{indent}# {line}"


def _mapping(node: dict[str, Any], indent: str) -> Iterator[str]:
    for key, value in node.items():
        if key.startswith(COMMENT):
            yield from comment_lines(value, indent)
        else:
            yield from _entry(f"{indent}{_flow(key)}:", value, indent + INDENT)


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:
    """A key or a dash with its value: beside it where that fits, below it otherwise."""
    if isinstance(value, str) and "\n" in value:
        yield f"{head} |{'' if value.endswith(chr(10)) else '-'}"
        yield from (f"{indent}{line}" if line else "" for line in value.rstrip("\n").split("\n"))
    elif not isinstance(value, dict | list) or not value or (_is_plain(value) and _fits(f"{head} {_flow(value)}")):
        yield f"{head} {_flow(value)}"
    elif isinstance(value, dict):
        yield head
        yield from _mapping(value, indent)
    elif len(value) > FEW and all(_is_plain(item) and len(_flow(item)) < SHORT for item in value):
        yield f"{head} ["
        yield from _packed([f"{_flow(item)}," for item in value], indent)
        yield f"{indent.removesuffix(INDENT)}]"
    else:
        yield head
        yield from (line for item in value for line in _item(item, indent))


def _item(item: Any, indent: str) -> Iterator[str]:
    if not isinstance(item, dict) or (_is_plain(item) and _fits(f"{indent}- {_flow(item)}")):
        yield from _entry(f"{indent}-", item, indent + INDENT)
        return
    lines = list(_mapping(item, indent + INDENT))
    first = next(place for place, line in enumerate(lines) if not line.lstrip().startswith(COMMENT))
    for place, line in enumerate(lines):
        yield f"{indent}- {line.lstrip()}" if place == first else line if place > first else line.removeprefix(INDENT)


def _packed(items: list[str], indent: str) -> Iterator[str]:
    line = indent
    for item in items:
        if line != indent and not _fits(f"{line} {item}"):
            yield line
            line = indent
        line += item if line == indent else f" {item}"
    yield line


def _fits(line: str) -> bool:
    return len(line) <= WIDTH


def _is_plain(node: Any) -> bool:
    """Whether it can stand on one line: no comments and no text of several lines."""
    if isinstance(node, dict):
        return all(not key.startswith(COMMENT) and _is_plain(value) for key, value in node.items())
    if isinstance(node, list):
        return all(_is_plain(item) for item in node)
    return not (isinstance(node, str) and "\n" in node)


class _Dumper(yaml.SafeDumper):
    """Quotes every text that some reader of YAML may take for a number."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    quoted = NUMBER.fullmatch(text) is not None and QUANTITY.fullmatch(text) is None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if quoted else None)


_Dumper.add_representer(str, _text)


def _flow(node: Any) -> str:
    written: str = yaml.dump(node, Dumper=_Dumper, default_flow_style=True, allow_unicode=True, width=10**9,
                             sort_keys=False)
    return written.removesuffix("...\n").strip()
