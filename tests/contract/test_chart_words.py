"""A string value that YAML could take for a number, a boolean or null arrives in the manifests as the same string.

Every string of the schema is set, first to a mark of its own and then to the word: the two results may differ in
nothing but that, wherever the chart writes the value. A value that is new in the schema is tested without being named.
"""
from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from support.chart import (
    Json,
    Pick,
    filled,
    needs_helm,
    objects_in,
    paths_of_strings,
    render,
    template,
    values_schema,
    without_quotes,
)

NUMBERS = ("123", "1e3", "0x10", "010", "0o17", "1_000", "12:30", "1.5", "-1", "+1", ".5", "3240286e-210077", "9991103",
           ".inf", ".nan", "2026-11-30")
BOOLEANS = ("true", "True", "yes", "on", "n", "y", "off", "No")
NULLS = ("null", "~", "Null")
MARKUP = ("a: b", "- a", "#a", "{a", "*a", "&a", "!a", "%a", "@a", "'a", '"a', "a\nb", " a ", "<a>&")
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
# Values of a form that no mark has, and a text of that form; words follow an address where that makes them valid.
FORMS = {"image.digest": "sha256:" + "0" * 64, "loadgen.image.digest": "sha256:" + "0" * 64,
         "serviceMonitor.interval": "15s", "persistence.size": "7Gi"}
ADDRESS = "http://"
# Of values that exclude each other, each scene leaves out the others. Words are keys of maps that are not merged.
SCENES: dict[str, tuple[Json, tuple[str, ...]]] = {
    "named by the release": ({"fullnameOverride": "", "persistence.existingClaim": "", "image.digest": "",
                              "loadgen.image.digest": "", "serviceAccount.create": True}, ("commonLabels",)),
    "named by the user": ({"serviceAccount.create": False}, ("podLabels", "serviceMonitor.labels")),
}


class Words:
    """Picks the word for each value that may be it, and a mark for all others; `marks` says what became what."""

    def __init__(self, word: str | None, beginning: str, kept_keys: Iterable[str]) -> None:
        self.word, self.beginning, self.kept_keys = word, beginning, tuple(kept_keys)
        self.marks: dict[str, tuple[str, str]] = {}

    def __call__(self, path: str, is_key: bool, schema: Json) -> str:
        mark = f"{self.beginning}z{len(self.marks)}q"
        node = schema if not is_key else schema.get("propertyNames", {})
        options = [mark] if self.word is None else [self.word, ADDRESS + self.word, mark]
        if path in FORMS:
            options = [FORMS[path]]
        elif is_key and (path in self.kept_keys or not self.word):
            options = [mark]
        chosen = next(option for option in (*options, ADDRESS + mark) if is_valid(option, node))
        self.marks[mark] = (f"{path}{'{}' if is_key else ''}", chosen.removeprefix(ADDRESS))
        return chosen


def is_valid(value: str, schema: Json) -> bool:
    return jsonschema.Draft7Validator(schema).is_valid(value)


def values_of(scene: str, pick: Pick) -> Json:
    values: Json = filled(values_schema(), pick)
    values["crds"]["install"] = False
    del values["global"]
    for path, value in SCENES[scene][0].items():
        *parents, name = path.split(".")
        node = values
        for parent in parents:
            node = node[parent]
        node[name] = value
    return values


def replaced(node: Any, marks: dict[str, str]) -> Any:
    """The objects with every mark as what it stands for, in values and in keys."""
    if isinstance(node, dict):
        return {replaced(key, marks): replaced(item, marks) for key, item in node.items()}
    if isinstance(node, list):
        return [replaced(item, marks) for item in node]
    if isinstance(node, str):
        return re.sub("|".join(map(re.escape, marks)), lambda found: marks[found[0]], node)
    return node


def in_order(objects: list[Json]) -> list[str]:
    return sorted(json.dumps(item, sort_keys=True) for item in objects)


def marked(scene: str, beginning: str, folder: Path) -> tuple[list[Json], list[str]]:
    plain = Words(None, beginning, ())
    return render(values_of(scene, plain), folder, release="rel", namespace="space"), list(plain.marks)


@needs_helm
@pytest.mark.parametrize("word", [*NUMBERS, *BOOLEANS, *NULLS, *MARKUP])
@pytest.mark.parametrize("scene", SCENES)
def test_a_word_is_rendered_as_the_string_that_it_is(word: str, scene: str, tmp_path: Path):
    # A Service gets another name if its own would begin with a digit, so the marks begin like the word.
    beginning = "0" if word[0].isdigit() else ""
    before, marks = marked(scene, beginning, tmp_path)
    words = Words(word, beginning, SCENES[scene][1])
    text = template(values_of(scene, words), tmp_path, release="rel", namespace="space")
    after = objects_in(text)
    # A manifest has true values of its own; every reader takes that word for a boolean.
    assert word in ("true", *MARKUP) or word not in without_quotes(text)
    assert list(words.marks) == marks
    assert sum(value == word for _, value in words.marks.values()) > 10
    expected = replaced(before, {mark: value for mark, (_, value) in words.marks.items()})
    assert in_order(after) == in_order(expected)


@needs_helm
def test_every_string_of_the_schema_is_rendered_somewhere_and_may_be_such_a_word(tmp_path: Path):
    seen: set[str] = set()
    for scene in SCENES:
        plain = Words(None, "", ())
        text = json.dumps(render(values_of(scene, plain), tmp_path, release="rel", namespace="space"))
        seen |= {path for mark, (path, value) in plain.marks.items() if value in text}
    strings = {path for path in paths_of_strings(values_schema()) if not path.startswith("global")}
    assert strings - seen == set()
    tried = {path for word in (*NUMBERS, *BOOLEANS, *NULLS) for words in (Words(word, "", ()),)
             for values in (values_of("named by the user", words),) if values
             for path, value in words.marks.values() if value == word}
    assert strings - tried - set(FORMS) == set()


@needs_helm
@pytest.mark.parametrize("size", ["123", "010", "1.5", "5Gi"])
def test_a_size_is_a_string_too(size: str, tmp_path: Path):
    objects = render({"persistence": {"size": size}}, tmp_path, release="rel", namespace="space")
    (claim,) = [item for item in objects if item["kind"] == "PersistentVolumeClaim"]
    assert claim["spec"]["resources"]["requests"] == {"storage": size}


@needs_helm
@pytest.mark.parametrize("word", [word for word in (*NUMBERS, *BOOLEANS, *NULLS) if NAME.fullmatch(word)])
def test_a_release_and_a_namespace_may_have_any_name(word: str, tmp_path: Path):
    values = {"crds": {"install": False}}
    beginning = "0" if word[0].isdigit() else ""
    marks = {f"{beginning}z1q": word, f"{beginning}z2q": word}
    release, namespace = marks
    before = render(values, tmp_path, release=release, namespace=namespace)
    text = template(values, tmp_path, release=word, namespace=word)
    after = objects_in(text)
    assert word in ("true", *MARKUP) or word not in without_quotes(text)
    assert in_order(after) == in_order(replaced(before, marks))
    assert {item["metadata"].get("namespace", word) for item in after} == {word}
